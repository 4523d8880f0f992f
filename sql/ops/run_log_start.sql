INSERT INTO ops.etl_run_log (asset, partition_key, run_id, root_run_id, status, window_start, window_end, warehouse_id)
VALUES (
    %(asset)s,
    %(partition_key)s,
    %(run_id)s,
    %(root_run_id)s,
    'running',
    %(window_start)s,
    %(window_end)s,
    %(warehouse_id)s
)
RETURNING id
