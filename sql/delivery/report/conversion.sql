-- What became of the orders of each day of a period, newest day first.
-- @engine clickhouse
-- @param since = today-30: the first day
-- @param until = today+1: the day after the last one
SELECT
    day,
    registered,
    estimated,
    assigned,
    delivered,
    cancelled,
    failed,
    in_progress,
    restarts,
    round(100 * delivered / registered, 1) AS delivered_per_cent
FROM delivery_marts.order_conversion
WHERE
    day >= {since:Date}
    AND day < {until:Date}
ORDER BY day DESC
