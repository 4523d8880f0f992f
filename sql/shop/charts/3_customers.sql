-- How many orders customers have
-- @engine mysql
-- @kind bars
-- @unit customers
SELECT
    if(least(orders_count, 10) < 10, orders_count, '10+') AS orders,
    count(*) AS customers
FROM mydb.user_sales_analytics
GROUP BY least(orders_count, 10), orders
ORDER BY least(orders_count, 10)
