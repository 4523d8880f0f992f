-- From one partition to the next, each by a look into the index of successes: DISTINCT ON would read all of them,
-- and an open day has hundreds. NULL, the whole table, is greater than no key and has a look of its own.
WITH RECURSIVE newest AS (
    (
        SELECT
            first_key.id,
            first_key.partition_key
        FROM ops.etl_run_log AS first_key
        WHERE
            first_key.asset = %(asset)s
            AND first_key.status = 'success'
            AND first_key.partition_key IS NOT NULL
            AND (first_key.warehouse_id <> ALL(%(elsewhere)s::text[])) IS NOT FALSE
        ORDER BY first_key.partition_key ASC, first_key.id DESC
        LIMIT 1
    )
    UNION ALL
    SELECT
        following.id,
        following.partition_key
    FROM newest
    CROSS JOIN LATERAL (
        SELECT
            next_key.id,
            next_key.partition_key
        FROM ops.etl_run_log AS next_key
        WHERE
            next_key.asset = %(asset)s
            AND next_key.status = 'success'
            AND next_key.partition_key > newest.partition_key
            AND (next_key.warehouse_id <> ALL(%(elsewhere)s::text[])) IS NOT FALSE
        ORDER BY next_key.partition_key ASC, next_key.id DESC
        LIMIT 1
    ) AS following
)

SELECT
    entry.id,
    entry.partition_key,
    entry.run_id,
    entry.root_run_id,
    entry.fingerprint,
    entry.rows_written,
    entry.started_at,
    entry.finished_at,
    entry.read_until
FROM newest
INNER JOIN ops.etl_run_log AS entry ON newest.id = entry.id
UNION ALL
(
    SELECT
        whole.id,
        whole.partition_key,
        whole.run_id,
        whole.root_run_id,
        whole.fingerprint,
        whole.rows_written,
        whole.started_at,
        whole.finished_at,
        whole.read_until
    FROM ops.etl_run_log AS whole
    WHERE
        whole.asset = %(asset)s
        AND whole.status = 'success'
        AND whole.partition_key IS NULL
        AND (whole.warehouse_id <> ALL(%(elsewhere)s::text[])) IS NOT FALSE
    ORDER BY whole.partition_key ASC, whole.id DESC
    LIMIT 1
)
