SELECT DISTINCT ON (partition_key)
    id,
    partition_key,
    run_id,
    root_run_id,
    fingerprint,
    rows_written,
    finished_at
FROM ops.etl_run_log
WHERE asset = %(asset)s AND status = 'success'
ORDER BY partition_key ASC, id DESC
