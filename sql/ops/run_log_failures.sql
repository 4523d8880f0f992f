-- The last success of a partition is looked up once for it, not for each of its failures, and in an order that only
-- the index of successes has: by id alone, the whole log may be walked back.
SELECT
    wanted.partition_key,
    failed.failures,
    failed.last_failed_at
FROM unnest(%(partition_keys)s::text[]) AS wanted (partition_key)
LEFT JOIN LATERAL (
    SELECT done.id
    FROM ops.etl_run_log AS done
    WHERE
        done.asset = %(asset)s
        AND done.status = 'success'
        AND done.partition_key BETWEEN wanted.partition_key AND wanted.partition_key
        AND (done.warehouse_id <> ALL(%(elsewhere)s::text[])) IS NOT FALSE
    ORDER BY done.partition_key ASC, done.id DESC
    LIMIT 1
) AS succeeded ON TRUE
CROSS JOIN
    LATERAL (
        SELECT
            count(*) AS failures,
            max(log.finished_at) AS last_failed_at
        FROM ops.etl_run_log AS log
        WHERE
            log.asset = %(asset)s
            AND log.partition_key = wanted.partition_key
            AND log.id > coalesce(succeeded.id, 0)
            AND log.status IN ('failed', 'killed')
            AND (log.warehouse_id <> ALL(%(elsewhere)s::text[])) IS NOT FALSE
    ) AS failed
WHERE failed.failures > 0
UNION ALL
SELECT
    NULL AS partition_key,
    count(*) AS failures,
    max(log.finished_at) AS last_failed_at
FROM ops.etl_run_log AS log
WHERE
    %(whole_table)s
    AND log.asset = %(asset)s
    AND log.partition_key IS NULL
    AND log.id > coalesce(
        (
            SELECT done.id
            FROM ops.etl_run_log AS done
            WHERE
                done.asset = %(asset)s
                AND done.status = 'success'
                AND done.partition_key IS NULL
                AND (done.warehouse_id <> ALL(%(elsewhere)s::text[])) IS NOT FALSE
            ORDER BY done.partition_key ASC, done.id DESC
            LIMIT 1
        ),
        0
    )
    AND log.status IN ('failed', 'killed')
    AND (log.warehouse_id <> ALL(%(elsewhere)s::text[])) IS NOT FALSE
HAVING count(*) > 0
