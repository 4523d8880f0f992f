-- What the last load of a day was told to read, at the end of its fingerprint; NULL if there was none. In an order
-- that only the index of successes has: by id alone, the whole log may be walked back.
SELECT
    (
        SELECT last_load.fingerprint
        FROM ops.etl_run_log AS last_load
        WHERE
            last_load.asset = 'camunda/act_hi_detail'
            AND last_load.partition_key BETWEEN %(partition_key)s AND %(partition_key)s
            AND last_load.status = 'success'
        ORDER BY last_load.partition_key ASC, last_load.id DESC
        LIMIT 1
    ) AS fingerprint
