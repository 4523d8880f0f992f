SELECT DISTINCT partition_key
FROM ops.etl_run_log
WHERE asset = %(asset)s AND root_run_id = %(root_run_id)s AND status = 'success'
