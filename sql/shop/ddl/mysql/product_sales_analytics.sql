-- How each of the shop's products sells; one that was never ordered has zeros.
CREATE TABLE mydb.product_sales_analytics (
    product_id int NOT NULL, -- The product.
    product_orders_count bigint NOT NULL, -- Orders with it, not lines; cancelled ones only if MARTS_SHOP_COUNT_CANCELLED says so (default: no).
    total_quantity_sold bigint NOT NULL, -- How many of it were in those orders.
    total_revenue decimal(20, 2) NOT NULL, -- What they cost together.
    PRIMARY KEY (product_id)
)
ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin
