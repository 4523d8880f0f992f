SELECT
    c.oid::regclass::text AS table_name,
    greatest(c.reltuples, 0)::bigint AS estimated_rows,
    array_agg(a.attname::text ORDER BY a.attnum) AS columns
FROM pg_class AS c
INNER JOIN pg_namespace AS n ON c.relnamespace = n.oid
INNER JOIN pg_attribute AS a ON c.oid = a.attrelid AND a.attnum > 0 AND NOT a.attisdropped
WHERE
    c.relkind IN ('r', 'p')
    AND NOT c.relispartition
    AND n.nspname <> 'information_schema'
    AND n.nspname !~ '^pg_'
GROUP BY c.oid, c.reltuples
ORDER BY table_name
