-- The orders of the last 24 hours, by the hour (UTC), and the deliveries that were estimated in each. An hour with
-- only one of the two is there too.
-- @engine clickhouse
-- @param hours = 24: how many hours back
SELECT
    -- The side that is missing is 0, also as an hour.
    greatest(ordered.hour, estimated.hour) AS hour,
    ordered.orders AS orders,
    ordered.source_addresses AS source_addresses,
    ordered.target_addresses AS target_addresses,
    estimated.deliveries AS deliveries,
    estimated.cost AS cost,
    estimated.completed AS completed
FROM (
    SELECT
        of_hour.hour AS hour,
        of_hour.orders_count AS orders,
        of_hour.unique_source_addresses AS source_addresses,
        of_hour.unique_target_addresses AS target_addresses
    FROM dds.hourly_orders_mv AS of_hour
    WHERE of_hour.hour >= toStartOfHour(now('UTC')) - toIntervalHour({hours:UInt32})
) AS ordered
FULL JOIN (
    SELECT
        of_performer.hour AS hour,
        sum(of_performer.deliveries_count) AS deliveries,
        sum(of_performer.total_cost) AS cost,
        sum(of_performer.completed_count) AS completed
    FROM dds.hourly_deliveries_mv AS of_performer
    WHERE of_performer.hour >= toStartOfHour(now('UTC')) - toIntervalHour({hours:UInt32})
    GROUP BY of_performer.hour
) AS estimated ON ordered.hour = estimated.hour
ORDER BY hour DESC
