-- The performers with the most deliveries, and how they do.
-- @engine clickhouse
-- @param limit = 10: how many performers
SELECT
    performer_id,
    deliveries,
    round(avg_cost, 2) AS average_cost,
    round(avg_seconds) AS average_seconds,
    overlapping_assignments,
    last_assigned_on
FROM delivery_marts.courier_efficiency
ORDER BY deliveries DESC, performer_id ASC
LIMIT {limit:UInt32}
