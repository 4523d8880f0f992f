SELECT
    product_id,
    name,
    description,
    category_id,
    price,
    stock_quantity,
    creation_date
FROM products
