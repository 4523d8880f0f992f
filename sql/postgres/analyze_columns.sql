ANALYZE {table} ({columns})
