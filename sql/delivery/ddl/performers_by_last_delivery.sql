CREATE INDEX performers_by_last_delivery ON ods.performers (last_delivery_at)
