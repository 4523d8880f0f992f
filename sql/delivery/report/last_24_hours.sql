-- The orders of the last 24 hours, by the hour (UTC), and the deliveries that were estimated in each.
-- @engine clickhouse
-- @param hours = 24: how many hours back
SELECT
    orders.hour AS hour,
    orders.orders_count AS orders,
    orders.unique_source_addresses AS source_addresses,
    orders.unique_target_addresses AS target_addresses,
    estimated.deliveries AS deliveries,
    estimated.cost AS cost,
    estimated.completed AS completed
FROM dds.hourly_orders_mv AS orders
LEFT JOIN (
    SELECT
        hourly.hour AS hour,
        sum(hourly.deliveries_count) AS deliveries,
        sum(hourly.total_cost) AS cost,
        sum(hourly.completed_count) AS completed
    FROM dds.hourly_deliveries_mv AS hourly
    GROUP BY hourly.hour
) AS estimated ON orders.hour = estimated.hour
WHERE orders.hour >= toStartOfHour(now('UTC')) - toIntervalHour({hours:UInt32})
ORDER BY orders.hour DESC
