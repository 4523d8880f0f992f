-- Overview
-- The platform at a glance.
-- @engine postgres
-- @kind tiles
WITH loads AS (
    SELECT
        *,
        row_number() OVER (PARTITION BY asset, partition_key ORDER BY id DESC) AS age,
        -- What was published stands, whatever failed since.
        row_number() OVER (PARTITION BY asset, partition_key, status ORDER BY id DESC) AS age_of_status
    FROM ops.etl_run_log
)

SELECT
    'Tables' AS label,
    count(DISTINCT asset)::numeric AS value,
    count(DISTINCT split_part(asset, '/', 1)) || ' domains' AS remark
FROM loads
WHERE status = 'success'
UNION ALL
SELECT
    'Rows published' AS label,
    coalesce(sum(rows_written + coalesce(rows_kept, 0)), 0) AS value,
    'of the newest load of each day, and all loads of streams' AS remark
FROM loads
WHERE
    status = 'success'
    -- The loads of a stream join each other; of other tables the newest has all rows of its day.
    AND (age_of_status = 1 OR asset IN (SELECT reader.asset FROM ops.stream_positions AS reader))
UNION ALL
SELECT
    'Loads in 7 days' AS label,
    count(*) AS value,
    pg_size_pretty(coalesce(sum(bytes_read), 0)) || ' read from sources' AS remark
FROM loads
WHERE started_at >= %(now)s::timestamptz - interval '7 days'
UNION ALL
SELECT
    'Days that failed last' AS label,
    count(*) AS value,
    'sensors try them again' AS remark
FROM loads
WHERE age = 1 AND status IN ('failed', 'killed')
UNION ALL
SELECT
    'In quarantine' AS label,
    count(*) AS value,
    count(*) FILTER (WHERE is_row) || ' whole rows, the others values' AS remark
FROM ops.quarantine
WHERE replayed_at IS NULL
