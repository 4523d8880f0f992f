-- The days of some assets that were loaded since another asset's last successful load began.
SELECT DISTINCT loaded.partition_key
FROM ops.etl_run_log AS loaded
WHERE
    loaded.asset = ANY(%(upstream)s)
    AND loaded.status = 'success'
    AND loaded.partition_key IS NOT NULL
    AND loaded.finished_at >= coalesce(
        (
            SELECT max(own.started_at)
            FROM ops.etl_run_log AS own
            WHERE own.asset = %(asset)s AND own.status = 'success'
        ),
        '-infinity'
    )
ORDER BY loaded.partition_key
