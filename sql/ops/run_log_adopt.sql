-- Entries from before warehouses had identities belong to the first warehouse that the log meets.
UPDATE ops.etl_run_log
SET warehouse_id = %(warehouse_id)s
WHERE warehouse_id IS NULL AND asset = ANY(%(assets)s)
