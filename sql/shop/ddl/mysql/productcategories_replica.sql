-- The shop's categories of products, as its Postgres has them.
CREATE TABLE mydb.productcategories_replica (
    category_id int NOT NULL, -- The category.
    name varchar(100), -- What it is called.
    parent_category_id int, -- The category that it is a part of.
    PRIMARY KEY (category_id)
)
ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin
