-- Which database this is, under whatever name it was reached: a copy of a whole cluster has its identifier too, but was
-- started at another time.
SELECT
    cluster.system_identifier,
    pg_postmaster_start_time() AS started_at,
    here.oid::bigint AS database_oid
FROM pg_control_system() AS cluster
CROSS JOIN pg_database AS here
WHERE here.datname = current_database()
