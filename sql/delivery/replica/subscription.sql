-- The subscription in this database: its state, its worker, the tables that are not yet copied.
SELECT
    subscribed.oid::text AS oid,
    subscribed.subenabled AS is_enabled,
    worker.pid IS NOT NULL AS has_worker,
    worker.latest_end_time AS heard_at,
    (
        SELECT count(*) FILTER (WHERE copied.srsubstate NOT IN ('r', 's'))
        FROM pg_subscription_rel AS copied
        WHERE copied.srsubid = subscribed.oid
    ) AS tables_copying
FROM pg_subscription AS subscribed
LEFT JOIN pg_stat_subscription AS worker ON subscribed.oid = worker.subid AND worker.relid IS NULL
WHERE
    subscribed.subname = %(name)s
    AND subscribed.subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
