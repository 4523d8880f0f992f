-- What was published stays so: the answer of its commit may be lost, or what comes after it may fail.
UPDATE ops.etl_run_log
SET
    status = 'failed',
    finished_at = clock_timestamp(),
    error = %(error)s
WHERE id = %(id)s AND status = 'running'
