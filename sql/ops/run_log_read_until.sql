SELECT read_until
FROM ops.etl_run_log
WHERE asset = %(asset)s AND partition_key = %(partition_key)s AND status = 'success'
ORDER BY id DESC
LIMIT 1
