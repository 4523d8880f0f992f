-- Who holds locks on a table or its partitions, or on any table and index if none is named: others' times and
-- statements show to pg_read_all_stats only.
SELECT DISTINCT
    activity.pid,
    activity.usename,
    activity.application_name,
    activity.state,
    extract(EPOCH FROM clock_timestamp() - activity.xact_start)::bigint AS transaction_seconds,
    extract(EPOCH FROM clock_timestamp() - activity.query_start)::bigint AS statement_seconds,
    left(regexp_replace(activity.query, '\s+', ' ', 'g'), 120) AS statement
FROM pg_locks AS held
INNER JOIN pg_stat_activity AS activity ON held.pid = activity.pid
WHERE
    held.granted
    AND held.locktype = 'relation'
    AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND held.pid <> ALL(%(own)s)
    AND (
        held.relation = to_regclass(%(table)s)
        OR (%(table)s IS NULL AND held.relation >= 16384)
        OR held.relation IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = to_regclass(%(table)s))
    )
ORDER BY transaction_seconds DESC NULLS LAST, activity.pid
