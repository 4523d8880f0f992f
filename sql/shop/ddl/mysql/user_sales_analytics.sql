-- What each of the shop's users has ordered; a user without orders has zeros.
CREATE TABLE mydb.user_sales_analytics (
    user_id int NOT NULL, -- The user.
    orders_count bigint NOT NULL, -- Orders, not their lines; cancelled ones only if MARTS_SHOP_COUNT_CANCELLED says so (default: no).
    orders_total_amount decimal(20, 2) NOT NULL, -- What the lines of those orders cost together.
    PRIMARY KEY (user_id)
)
ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin
