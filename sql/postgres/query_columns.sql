SELECT *
FROM ({query}) AS computed
LIMIT 0
