CREATE INDEX etl_run_log_by_run ON ops.etl_run_log (root_run_id, asset)
