SELECT
    order_id,
    user_id,
    order_date,
    total_amount,
    status,
    delivery_date
FROM orders
