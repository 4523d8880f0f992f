SELECT fingerprint
FROM ops.etl_run_log
WHERE
    asset = %(asset)s
    AND (partition_key = %(partition_key)s OR (partition_key IS NULL AND %(partition_key)s::text IS NULL))
    AND status = 'success'
ORDER BY id DESC
LIMIT 1
