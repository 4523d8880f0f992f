SELECT count(*) AS rows_counted
FROM {table}
WHERE {condition}
