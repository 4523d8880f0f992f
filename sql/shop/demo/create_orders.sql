CREATE TABLE IF NOT EXISTS orders (
    order_id serial PRIMARY KEY,
    user_id integer,
    order_date timestamp,
    total_amount decimal(10, 2),
    status varchar(50),
    delivery_date timestamp
)
