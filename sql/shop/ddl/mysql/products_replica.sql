-- The shop's products, as its Postgres has them.
CREATE TABLE mydb.products_replica (
    product_id int NOT NULL, -- The product.
    name varchar(100), -- What it is called.
    description mediumtext, -- What is said of it.
    category_id int, -- Its category.
    price decimal(10, 2), -- Its price.
    stock_quantity int, -- How many are there.
    creation_date DATETIME(6), -- When it was entered, as the shop's clock showed.
    PRIMARY KEY (product_id)
)
ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin
