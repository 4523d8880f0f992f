-- Revenue, by the type of the order
-- The cost of the deliveries that succeeded, by the day on which they began.
-- @engine clickhouse
-- @kind bars
SELECT
    day,
    revenue,
    coalesce(order_type, 'without a type') AS kind
FROM delivery_marts.order_roi
WHERE day > (SELECT max(newest.day) - 60 FROM delivery_marts.order_roi AS newest)
ORDER BY day, kind
