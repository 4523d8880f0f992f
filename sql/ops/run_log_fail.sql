UPDATE ops.etl_run_log
SET
    status = 'failed',
    finished_at = clock_timestamp(),
    error = %(error)s
WHERE id = %(id)s
