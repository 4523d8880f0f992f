-- What the last load of a day was told to read, at the end of its fingerprint; NULL if there was none.
SELECT
    (
        SELECT last_load.fingerprint
        FROM ops.etl_run_log AS last_load
        WHERE
            last_load.asset = 'camunda/act_hi_detail'
            AND last_load.partition_key = %(partition_key)s
            AND last_load.status = 'success'
        ORDER BY last_load.id DESC
        LIMIT 1
    ) AS fingerprint
