-- The lines of the shop's orders, as its Postgres has them.
CREATE TABLE mydb.orderdetails_replica (
    order_detail_id int NOT NULL, -- The line.
    order_id int, -- Its order.
    product_id int, -- What was ordered.
    quantity int, -- How many of it.
    price_per_unit decimal(10, 2), -- What one cost then.
    total_price decimal(10, 2), -- What all of them cost.
    PRIMARY KEY (order_detail_id),
    KEY by_order (order_id),
    KEY by_product (product_id)
)
ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin
