-- Orders by the hour (UTC) of their registration, with the distinct addresses of each hour.
CREATE VIEW dds.hourly_orders_mv AS
SELECT
    states.hour AS hour,
    countMerge(states.orders_count) AS orders_count,
    uniqExactMerge(states.unique_source_addresses) AS unique_source_addresses,
    uniqExactMerge(states.unique_target_addresses) AS unique_target_addresses
FROM dds.hourly_orders_states AS states
GROUP BY states.hour
