DELETE FROM {table}
WHERE {column} = %(key)s
