SELECT
    indisunique AS is_unique,
    split_part(pg_get_indexdef(indexrelid), ' USING ', 2) AS definition,
    ARRAY(
        SELECT attribute.attname::text
        FROM pg_attribute AS attribute
        WHERE attribute.attrelid = pg_index.indrelid AND attribute.attnum = ANY(pg_index.indkey)
    ) AS columns
FROM pg_index
WHERE indrelid = to_regclass(%(table)s)
ORDER BY indexrelid
