SELECT count(*) AS rows_held
FROM {table}
WHERE {column} = %(key)s
