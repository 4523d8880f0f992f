SELECT
    users.user_id,
    count(orders.order_id) AS orders_count,
    coalesce(sum(amounts.amount), 0) AS orders_total_amount
FROM mydb.users_replica AS users
LEFT JOIN mydb.orders_replica AS orders
    ON
        users.user_id = orders.user_id
        AND (%(with_cancelled)s OR lower(coalesce(orders.status, '')) NOT IN ('cancelled', 'canceled'))
LEFT JOIN (
    SELECT
        order_id,
        sum(total_price) AS amount
    FROM mydb.orderdetails_replica
    GROUP BY order_id
) AS amounts ON orders.order_id = amounts.order_id
GROUP BY users.user_id
