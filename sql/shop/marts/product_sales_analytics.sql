SELECT
    products.product_id,
    count(DISTINCT sold.order_id) AS product_orders_count,
    cast(coalesce(sum(sold.quantity), 0) AS signed) AS total_quantity_sold,
    coalesce(sum(sold.total_price), 0) AS total_revenue
FROM mydb.products_replica AS products
LEFT JOIN (
    SELECT
        details.product_id,
        details.order_id,
        details.quantity,
        details.total_price
    FROM mydb.orderdetails_replica AS details
    INNER JOIN mydb.orders_replica AS orders ON details.order_id = orders.order_id
    WHERE %(with_cancelled)s OR lower(coalesce(orders.status, '')) NOT IN ('cancelled', 'canceled')
) AS sold ON products.product_id = sold.product_id
GROUP BY products.product_id
