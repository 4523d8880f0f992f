-- What hourly_orders_mv shows, as states that any span of hours can be put together of.
CREATE TABLE dds.hourly_orders_states (
    hour DateTime('UTC'), -- The hour in which the orders were registered.
    orders_count AggregateFunction(count), -- How many orders.
    unique_source_addresses AggregateFunction(uniqExact, UUID), -- The addresses from where they are delivered.
    unique_target_addresses AggregateFunction(uniqExact, UUID) -- The addresses to where they are delivered.
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(hour)
ORDER BY hour
