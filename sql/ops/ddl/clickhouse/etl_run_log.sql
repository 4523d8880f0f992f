-- Every load of a partition, as the warehouse's run log in Postgres has it.
CREATE VIEW ops.etl_run_log AS
SELECT *
FROM ops.etl_run_log_entries FINAL
