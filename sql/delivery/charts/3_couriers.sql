-- The couriers with most deliveries
-- Of all days; a courier is named by the first digits of the id.
-- @engine clickhouse
-- @kind ranking
-- @unit deliveries
SELECT
    substring(toString(performer_id), 1, 8) AS courier,
    deliveries
FROM delivery_marts.courier_efficiency
ORDER BY deliveries DESC, performer_id
LIMIT 10
