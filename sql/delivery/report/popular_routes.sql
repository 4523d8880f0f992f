-- The routes that were ordered most often in a period.
-- @engine clickhouse
-- @param since = today-30: the first day
-- @param until = today+1: the day after the last one
-- @param limit = 10: how many routes
SELECT
    routes.source_address_id AS source_address_id,
    routes.target_address_id AS target_address_id,
    sum(routes.orders_count) AS orders,
    max(routes.last_registered_at) AS last_registered_at
FROM delivery_marts.popular_routes AS routes
WHERE
    routes.day >= {since:Date}
    AND routes.day < {until:Date}
GROUP BY routes.source_address_id, routes.target_address_id
ORDER BY orders DESC, source_address_id ASC, target_address_id ASC
LIMIT {limit:UInt32}
