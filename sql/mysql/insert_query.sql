INSERT INTO {table} ({columns})
SELECT {columns}
FROM ({query}) AS given
