SELECT
    index_name AS name,
    non_unique,
    column_name AS `column`,
    sub_part AS length,
    collation AS direction,
    index_type AS kind
FROM information_schema.statistics
WHERE table_schema = %(schema)s AND table_name = %(name)s
ORDER BY index_name, seq_in_index
