SELECT count(*) > 0 AS has_rows
FROM (SELECT 1 AS one FROM {table} LIMIT 1) AS first
