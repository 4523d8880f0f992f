EXCHANGE TABLES {table} AND {other}
