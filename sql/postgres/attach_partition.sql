ALTER TABLE {table} ATTACH PARTITION {partition} FOR VALUES FROM (%(start)s) TO (%(end)s)
