-- Rows that no day holds: before the first, after the last, at an infinite time or at none. Three ranges of the index.
WITH undated AS (
    SELECT
        given.{key} AS row_key,
        given.{column} AS moment
    FROM {table} AS given
    WHERE given.{column} < %(start)s
    UNION ALL
    SELECT
        given.{key} AS row_key,
        given.{column} AS moment
    FROM {table} AS given
    WHERE given.{column} >= %(end)s
    UNION ALL
    SELECT
        given.{key} AS row_key,
        given.{column} AS moment
    FROM {table} AS given
    WHERE given.{column} IS NULL
)

SELECT
    count(*) AS rows_outside,
    min(undated.row_key::text) AS one_of_them,
    min(undated.moment)::text AS earliest,
    max(undated.moment)::text AS latest
FROM undated
