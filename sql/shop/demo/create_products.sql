CREATE TABLE IF NOT EXISTS products (
    product_id serial PRIMARY KEY,
    name varchar(100),
    description text,
    category_id integer,
    price decimal(10, 2),
    stock_quantity integer,
    creation_date timestamp
)
