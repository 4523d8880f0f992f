INSERT INTO ops.etl_run_log (asset, partition_key, run_id, root_run_id, status, window_start, window_end)
VALUES (%(asset)s, %(partition_key)s, %(run_id)s, %(root_run_id)s, 'running', %(window_start)s, %(window_end)s)
RETURNING id
