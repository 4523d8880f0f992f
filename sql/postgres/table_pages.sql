SELECT
    relname AS table_name,
    relpages AS pages
FROM pg_class
WHERE relname = ANY(%(tables)s) AND relkind = 'r'
