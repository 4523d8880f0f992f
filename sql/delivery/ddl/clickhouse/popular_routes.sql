-- How often each route was ordered on a day (UTC), whatever became of the orders.
CREATE TABLE delivery_marts.popular_routes (
    day Date, -- The day of the registration.
    source_address_id UUID, -- From where.
    target_address_id UUID, -- To where.
    orders_count UInt64, -- How many orders were registered for this route.
    last_registered_at DateTime64(6, 'UTC') -- When the last of them was.
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (day, source_address_id, target_address_id)
