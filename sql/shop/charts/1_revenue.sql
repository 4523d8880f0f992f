-- What customers ordered a day
-- The 90 days up to the newest order, by its state.
-- @engine mysql
-- @kind bars
SELECT
    date(orders.order_date) AS day,
    sum(orders.total_amount) AS amount,
    coalesce(orders.status, 'unknown') AS state_of_order
FROM mydb.orders_replica AS orders
INNER JOIN (SELECT max(order_date) AS order_date FROM mydb.orders_replica) AS newest
    ON orders.order_date > date_sub(newest.order_date, INTERVAL 90 DAY)
GROUP BY day, state_of_order
ORDER BY day, state_of_order
