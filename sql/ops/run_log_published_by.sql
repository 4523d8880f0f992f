SELECT DISTINCT ON (partition_key)
    partition_key,
    rows_written + rows_kept AS rows_published
FROM ops.etl_run_log
WHERE
    asset = %(asset)s
    AND root_run_id = %(root_run_id)s
    AND status = 'success'
    AND (warehouse_id <> ALL(%(elsewhere)s::text[])) IS NOT FALSE
ORDER BY partition_key ASC, id DESC
