CREATE TABLE IF NOT EXISTS orderdetails (
    order_detail_id serial PRIMARY KEY,
    order_id integer,
    product_id integer,
    quantity integer,
    price_per_unit decimal(10, 2),
    total_price decimal(10, 2)
)
