CREATE INDEX deliveries_by_performer ON ods.deliveries (performer_id, created_at)
