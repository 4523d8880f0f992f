SELECT
    name,
    type,
    trim(concat(default_kind, ' ', default_expression)) AS default_clause,
    compression_codec,
    comment
FROM system.columns
WHERE database = {database:String} AND table = {table:String}
ORDER BY position
