-- In an order that only the index of successes has: by id alone, the whole log may be walked back.
SELECT read_until
FROM ops.etl_run_log
WHERE
    asset = %(asset)s
    AND status = 'success'
    AND partition_key BETWEEN %(partition_key)s AND %(partition_key)s
    AND (warehouse_id <> ALL(%(elsewhere)s::text[])) IS NOT FALSE
ORDER BY partition_key ASC, id DESC
LIMIT 1
