CREATE INDEX orders_by_time ON ods.orders (registered_at)
