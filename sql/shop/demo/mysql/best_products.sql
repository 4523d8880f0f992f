SELECT
    products.name,
    sales.product_orders_count,
    sales.total_quantity_sold,
    sales.total_revenue
FROM mydb.product_sales_analytics AS sales
INNER JOIN mydb.products_replica AS products ON sales.product_id = products.product_id
ORDER BY sales.total_revenue DESC, sales.product_id ASC
LIMIT 5
