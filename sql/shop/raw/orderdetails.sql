SELECT
    order_detail_id,
    order_id,
    product_id,
    quantity,
    price_per_unit,
    total_price
FROM orderdetails
