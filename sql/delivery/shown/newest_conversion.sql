SELECT
    day,
    registered,
    estimated,
    assigned,
    delivered,
    cancelled,
    failed,
    restarts
FROM delivery_marts.order_conversion
ORDER BY day DESC
LIMIT 5
