SELECT count() AS rows_there FROM {table}
