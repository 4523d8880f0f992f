-- The most popular routes
-- Orders of the 60 days up to the newest one; addresses are named by the first digits of their ids.
-- @engine clickhouse
-- @kind ranking
-- @unit orders
SELECT
    concat(substring(toString(source_address_id), 1, 8), ' → ', substring(toString(target_address_id), 1, 8)) AS route,
    sum(orders_count) AS orders
FROM delivery_marts.popular_routes
WHERE day > (SELECT max(newest.day) - 60 FROM delivery_marts.popular_routes AS newest)
GROUP BY source_address_id, target_address_id, route
ORDER BY orders DESC, route
LIMIT 10
