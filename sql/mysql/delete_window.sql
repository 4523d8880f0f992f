DELETE FROM {table}
WHERE {column} >= %(start)s AND {column} < %(end)s
