RENAME TABLE {table} TO {old}, {stage} TO {table}
