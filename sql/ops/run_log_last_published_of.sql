-- What a slice of a mart is computed from: the same partition of an upstream, or its whole table; a mart without
-- partitions is computed from all of them.
SELECT DISTINCT ON (partition_key)
    id,
    partition_key,
    run_id,
    root_run_id,
    fingerprint,
    rows_written,
    finished_at
FROM ops.etl_run_log
WHERE
    asset = %(asset)s
    AND status = 'success'
    AND (
        partition_key = %(partition_key)s
        OR partition_key IS NULL
        OR %(partition_key)s::text IS NULL
    )
ORDER BY partition_key ASC, id DESC
