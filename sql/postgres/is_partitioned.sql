SELECT relkind = 'p' AS is_partitioned
FROM pg_class
WHERE oid = to_regclass(%(table)s)
