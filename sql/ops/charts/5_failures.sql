-- Loads that failed
-- The newest ones of the last 30 days. What had been published stays; sensors try again, each time later.
-- @engine postgres
-- @kind table
-- @wide
SELECT
    started_at AS began,
    asset AS "table",
    partition_key AS day,
    left(coalesce(error, status), 160) AS reason
FROM ops.etl_run_log
WHERE status IN ('failed', 'killed') AND started_at >= %(now)s::timestamptz - interval '30 days'
ORDER BY id DESC
LIMIT 20
