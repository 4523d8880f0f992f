CREATE TABLE {table} (
    {definitions}
)
ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4
