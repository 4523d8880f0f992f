-- The subscription in this database: its state, its worker, the tables that are not yet copied. A worker that has
-- heard nothing yet shows the time of its own start, or -infinity.
SELECT
    subscribed.oid::text AS oid,
    subscribed.subenabled AS is_enabled,
    worker.pid IS NOT NULL AS has_worker,
    CASE
        WHEN worker.latest_end_lsn IS NOT NULL AND isfinite(worker.latest_end_time) THEN worker.latest_end_time
    END AS heard_at,
    (
        SELECT count(*) FILTER (WHERE copied.srsubstate NOT IN ('r', 's'))
        FROM pg_subscription_rel AS copied
        WHERE copied.srsubid = subscribed.oid
    ) AS tables_copying,
    array(
        SELECT followed.relname::text
        FROM pg_subscription_rel AS copied
        INNER JOIN pg_class AS followed ON copied.srrelid = followed.oid
        WHERE copied.srsubid = subscribed.oid AND followed.relnamespace = 'public'::regnamespace
        ORDER BY followed.relname
    ) AS tables
FROM pg_subscription AS subscribed
LEFT JOIN pg_stat_subscription AS worker ON subscribed.oid = worker.subid AND worker.relid IS NULL
WHERE
    subscribed.subname = %(name)s
    AND subscribed.subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
