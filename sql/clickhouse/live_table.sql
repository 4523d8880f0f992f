-- A table's form, if it is there; and the names of tables of a database that match a pattern, a row each.
SELECT
    database = {database:String} AND name = {table:String} AS is_it,
    name AS table_name,
    engine_full,
    partition_key,
    sorting_key,
    primary_key,
    comment,
    create_table_query,
    (
        -- Without names for the parts, which some versions would give: drivers read those as something else.
        SELECT
            CAST(
                groupArray((name, type, default_clause, compression_codec, comment)),
                'Array(Tuple(String, String, String, String, String))'
            )
        FROM (
            SELECT
                name,
                type,
                trim(concat(default_kind, ' ', default_expression)) AS default_clause,
                compression_codec,
                comment
            FROM system.columns
            WHERE database = {database:String} AND table = {table:String}
            ORDER BY position
        ) AS in_order
    ) AS columns_there
FROM system.tables
WHERE
    database IN ({database:String}, {beside:String})
    AND (
        (database = {database:String} AND name = {table:String})
        OR (database = {beside:String} AND match(name, {pattern:String}))
    )
