-- An equality can be hashed: IS NOT DISTINCT FROM alone would compare each entry with each partition.
DELETE FROM ops.etl_run_log
WHERE id IN (
        SELECT replaced.id
        FROM ops.etl_run_log AS replaced
        INNER JOIN (
            SELECT
                asset,
                partition_key,
                warehouse_id,
                max(id) AS id
            FROM ops.etl_run_log
            WHERE status = 'success'
            GROUP BY asset, partition_key, warehouse_id
        ) AS newest
            ON
                replaced.asset = newest.asset
                AND coalesce(replaced.partition_key, '') = coalesce(newest.partition_key, '')
                AND replaced.partition_key IS NOT DISTINCT FROM newest.partition_key
                AND coalesce(replaced.warehouse_id, newest.warehouse_id) IS NOT DISTINCT FROM newest.warehouse_id
                AND replaced.id < newest.id
        WHERE
            replaced.finished_at < clock_timestamp() - make_interval(days => %(days)s)
            AND replaced.status <> 'running'
        ORDER BY replaced.id
        LIMIT 100000
        FOR UPDATE OF replaced SKIP LOCKED
    )
