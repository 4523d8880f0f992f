-- The newest success that stored positions: its state names partitions, or it read rows. One that found no topic
-- stored none.
SELECT
    run_id,
    fingerprint
FROM ops.etl_run_log
WHERE
    asset = %(asset)s
    AND partition_key IS NULL
    AND status = 'success'
    AND (rows_read > 0 OR fingerprint ~ '[0-9]=[0-9]')
ORDER BY partition_key ASC, id DESC
LIMIT 1
