SELECT DISTINCT to_char({time} AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day
FROM {table}
WHERE {column} = %(key)s
ORDER BY day
