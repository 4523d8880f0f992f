EXCHANGE TABLES {table} AND {other}{on_cluster}
