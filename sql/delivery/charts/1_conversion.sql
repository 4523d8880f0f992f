-- What became of a day's orders
-- By the day of the registration, the 60 days up to the newest one.
-- @engine clickhouse
-- @kind bars
-- @unit orders
SELECT
    day,
    part.2 AS orders,
    part.1 AS outcome
FROM delivery_marts.order_conversion
ARRAY JOIN
    [('delivered', delivered), ('cancelled', cancelled), ('failed', failed), ('in progress', in_progress)] AS part
WHERE day > (SELECT max(newest.day) - 60 FROM delivery_marts.order_conversion AS newest)
ORDER BY day, outcome
