SELECT
    engine_full,
    partition_key,
    sorting_key,
    primary_key,
    comment
FROM system.tables
WHERE database = {database:String} AND name = {table:String}
