-- Of a partition and of the whole table: what a slice of a mart can be computed from. BETWEEN and the first key of
-- the order leave the index of successes alone to give it: by id alone, the whole log may be walked back.
(
    SELECT
        id,
        partition_key,
        run_id,
        root_run_id,
        fingerprint,
        rows_written,
        started_at,
        finished_at,
        read_until
    FROM ops.etl_run_log
    WHERE
        asset = %(asset)s
        AND status = 'success'
        AND partition_key BETWEEN %(partition_key)s AND %(partition_key)s
        AND (warehouse_id <> ALL(%(elsewhere)s::text[])) IS NOT FALSE
    ORDER BY partition_key ASC, id DESC
    LIMIT 1
)
UNION ALL
(
    SELECT
        id,
        partition_key,
        run_id,
        root_run_id,
        fingerprint,
        rows_written,
        started_at,
        finished_at,
        read_until
    FROM ops.etl_run_log
    WHERE
        asset = %(asset)s
        AND status = 'success'
        AND partition_key IS NULL
        AND (warehouse_id <> ALL(%(elsewhere)s::text[])) IS NOT FALSE
    ORDER BY partition_key ASC, id DESC
    LIMIT 1
)
