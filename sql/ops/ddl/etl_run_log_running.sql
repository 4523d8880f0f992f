-- A load looks for those of its partition that a process left behind.
CREATE INDEX etl_run_log_running ON ops.etl_run_log (asset, partition_key) WHERE status = 'running'
