UPDATE ops.etl_run_log
SET
    status = 'killed',
    finished_at = clock_timestamp(),
    error = 'The process of this load went away before it ended; nothing of it was published.'
WHERE
    asset = %(asset)s
    AND partition_key IS NOT DISTINCT FROM %(partition_key)s
    AND status = 'running'
