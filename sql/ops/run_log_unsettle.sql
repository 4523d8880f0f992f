-- Forgets the data version of the partitions that lost a row to another partition: the rows that it stood for are not
-- there any more, so both the partition and what is made of it are stale.
UPDATE ops.etl_run_log AS entry
SET fingerprint = NULL
FROM (
    SELECT DISTINCT ON (log.partition_key) log.id
    FROM ops.etl_run_log AS log
    WHERE
        log.asset = %(asset)s
        AND log.status = 'success'
        AND log.partition_key IS NOT NULL
        AND EXISTS (
            SELECT 1
            FROM unnest(%(moments)s::timestamptz[]) AS lost (moment)
            WHERE lost.moment >= log.window_start AND lost.moment < log.window_end
        )
    ORDER BY log.partition_key ASC, log.id DESC
) AS newest
WHERE entry.id = newest.id
