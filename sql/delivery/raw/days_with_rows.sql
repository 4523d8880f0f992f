-- A walk along the index of the time column: one look-up for each day that has rows, none for those between.
WITH RECURSIVE walk AS (
    SELECT (SELECT min({column}) FROM {table} WHERE {column} >= %(start)s) AS moment
    UNION ALL
    SELECT
        (
            SELECT min({column})
            FROM {table}
            WHERE {column} >= date_trunc('day', walk.moment AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' + interval '1 day'
        ) AS moment
    FROM walk
    WHERE walk.moment IS NOT NULL
)

SELECT array_agg(DISTINCT to_char(walk.moment AT TIME ZONE 'UTC', 'YYYY-MM-DD')) AS days
FROM walk
WHERE walk.moment < %(bound)s
