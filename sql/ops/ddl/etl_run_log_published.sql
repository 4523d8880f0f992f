-- The newest success of a partition is the first entry of it here, whatever else the log holds.
CREATE INDEX etl_run_log_published ON ops.etl_run_log (asset, partition_key, id DESC) WHERE status = 'success'
