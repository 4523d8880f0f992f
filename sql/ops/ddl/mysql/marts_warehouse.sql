-- The identity of this warehouse, one row: the run log says by it which loads went into this database.
CREATE TABLE mydb.marts_warehouse (
    one int NOT NULL, -- Always 1: there is one row.
    id varchar(36) NOT NULL, -- Random identity; `marts migrate` writes it once.
    PRIMARY KEY (one)
)
ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin
