CREATE INDEX performers_by_first_delivery ON ods.performers (first_delivery_at)
