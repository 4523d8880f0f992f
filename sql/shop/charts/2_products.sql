-- The products that sell best
-- Revenue of all orders that count.
-- @engine mysql
-- @kind ranking
SELECT
    coalesce(products.name, concat('product ', sales.product_id)) AS product,
    sales.total_revenue
FROM mydb.product_sales_analytics AS sales
LEFT JOIN mydb.products_replica AS products ON sales.product_id = products.product_id
WHERE sales.total_revenue > 0
ORDER BY sales.total_revenue DESC, sales.product_id
LIMIT 10
