SELECT
    attname AS name,
    format_type(atttypid, atttypmod) AS type,
    NOT attnotnull AS nullable
FROM pg_attribute
WHERE attrelid = to_regclass(%(table)s) AND attnum > 0 AND NOT attisdropped
ORDER BY attnum
