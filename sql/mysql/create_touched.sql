CREATE TABLE {table} AS
SELECT *
FROM ({query}) AS given
