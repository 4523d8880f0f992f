RENAME TABLE {table} TO {other}
