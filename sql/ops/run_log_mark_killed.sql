UPDATE ops.etl_run_log
SET
    status = 'killed',
    finished_at = clock_timestamp(),
    error
    = 'The process of this load went away before it recorded its end. In Postgres nothing of it was published; '
    || 'elsewhere it may have published all of its rows. The next load rewrites them.'
WHERE
    asset = %(asset)s
    AND (
        partition_key = %(partition_key)s
        OR (%(partition_key)s::text IS NULL AND partition_key IS NULL)
    )
    AND status = 'running'
