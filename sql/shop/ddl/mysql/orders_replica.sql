-- The shop's orders, as its Postgres has them.
CREATE TABLE mydb.orders_replica (
    order_id int NOT NULL, -- The order.
    user_id int, -- Who ordered.
    order_date DATETIME(6), -- When, as the shop's clock showed.
    total_amount decimal(10, 2), -- What the whole order costs.
    status varchar(50), -- Pending, Completed, Cancelled and others.
    delivery_date DATETIME(6), -- When it is delivered; of a cancelled order never.
    PRIMARY KEY (order_id),
    KEY by_user (user_id)
)
ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin
