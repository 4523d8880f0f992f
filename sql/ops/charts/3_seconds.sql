-- What a day's load takes
-- The median of the loads of the last 30 days, by table.
-- @engine postgres
-- @kind ranking
-- @unit s
SELECT
    asset,
    round(
        (percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(EPOCH FROM finished_at - started_at)))::numeric, 3
    ) AS seconds
FROM ops.etl_run_log
WHERE status = 'success' AND started_at >= %(now)s::timestamptz - interval '30 days'
GROUP BY asset
ORDER BY seconds DESC, asset
