INSERT INTO {stage} ({columns})
SELECT {columns}
FROM ({query}) AS computed
