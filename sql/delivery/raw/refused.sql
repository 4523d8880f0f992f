-- The rows of a window that lack a value which every row of the table has.
SELECT
    given.{key}::text AS source_key,
    (
        SELECT string_agg(field.key, ', ' ORDER BY field.key)
        FROM json_each_text(row_to_json(given)) AS field
        WHERE field.key = ANY(%(required)s) AND field.value IS NULL
    ) || ' is missing' AS reason,
    row_to_json(given)::text AS payload
FROM {table} AS given
WHERE
    given.{column} >= %(from)s
    AND given.{column} < %(to)s
    AND NOT ({columns}) IS NOT NULL
