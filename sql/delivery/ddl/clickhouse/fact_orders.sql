-- The orders as the service registered them, also those that it has deleted since.
CREATE TABLE dds.fact_orders (
    id UUID, -- The order.
    source_address_id UUID, -- From where it is delivered.
    target_address_id UUID, -- To where it is delivered.
    extra Nullable(String), -- The type of the order, as the customer gave it.
    registered_at DateTime64(6, 'UTC'), -- When it was registered.
    processed_dttm DateTime64(3, 'UTC') DEFAULT now64(3) -- When the row came here.
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(registered_at)
ORDER BY (registered_at, id)
TTL toDateTime(registered_at) + toIntervalDay({delivery_ttl_days})
