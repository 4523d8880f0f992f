CREATE INDEX deliveries_by_time ON ods.deliveries (created_at)
