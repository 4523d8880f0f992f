CREATE INDEX etl_run_log_by_partition ON ops.etl_run_log (asset, partition_key, id DESC)
