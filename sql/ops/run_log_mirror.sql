SELECT {columns}
FROM ops.etl_run_log
WHERE (id > %(after)s OR id = ANY(%(open_ids)s)) AND NOT id = ANY(%(ended_ids)s)
ORDER BY id
