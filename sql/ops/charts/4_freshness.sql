-- Freshness
-- After 26 hours without a load a table of days is late; one without days, loaded when its source changes, is quiet.
-- @engine postgres
-- @kind table
-- @wide
WITH newest AS (
    SELECT DISTINCT ON (asset, partition_key)
        asset,
        partition_key,
        status
    FROM ops.etl_run_log
    WHERE status <> 'running'
    ORDER BY asset, partition_key, id DESC
),

loads AS (
    SELECT
        asset,
        max(partition_key) FILTER (WHERE status = 'success') AS newest_day,
        max(finished_at) FILTER (WHERE status = 'success') AS loaded_at,
        sum(rows_written) FILTER (WHERE status = 'success') AS rows_written,
        sum(rows_quarantined) FILTER (WHERE status = 'success') AS rows_quarantined,
        count(*) FILTER (WHERE status = 'success') AS loads
    FROM ops.etl_run_log
    GROUP BY asset
)

SELECT
    loads.asset AS "table",
    CASE
        WHEN loads.asset IN (SELECT newest.asset FROM newest WHERE newest.status <> 'success') THEN 'failed'
        WHEN loads.loaded_at >= %(now)s::timestamptz - interval '26 hours' THEN 'fresh'
        WHEN loads.newest_day IS NULL THEN 'quiet'
        ELSE 'late'
    END AS state,
    loads.newest_day,
    loads.loaded_at,
    %(now)s::timestamptz - loads.loaded_at AS age,
    loads.loads,
    loads.rows_written,
    loads.rows_quarantined
FROM loads
ORDER BY loads.asset
