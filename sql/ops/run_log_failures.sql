SELECT
    failed.partition_key,
    count(*) AS failures,
    max(failed.finished_at) AS last_failed_at
FROM ops.etl_run_log AS failed
WHERE
    failed.asset = %(asset)s
    AND (
        failed.partition_key = ANY(%(partition_keys)s)
        OR (failed.partition_key IS NULL AND %(whole_table)s)
    )
    AND failed.status IN ('failed', 'killed')
    AND failed.id > coalesce(
        (
            SELECT max(done.id)
            FROM ops.etl_run_log AS done
            WHERE
                done.asset = failed.asset
                AND done.partition_key IS NOT DISTINCT FROM failed.partition_key
                AND done.status = 'success'
        ),
        0
    )
GROUP BY failed.partition_key
