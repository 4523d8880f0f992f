-- A walk along the index of the time column: one look-up for each day that has rows, none for those between. Each
-- look-up ends at the bound: an infinite time has no next day, so a walk that came to one would never end.
WITH RECURSIVE walk AS (
    SELECT (SELECT min({column}) FROM {table} WHERE {column} >= %(start)s AND {column} < %(bound)s) AS moment
    UNION ALL
    SELECT
        (
            SELECT min({column})
            FROM {table}
            WHERE
                {column} >= date_trunc('day', walk.moment AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' + interval '24 hours'
                AND {column} < %(bound)s
        ) AS moment
    FROM walk
    WHERE walk.moment IS NOT NULL
)

SELECT array_agg(DISTINCT to_char(walk.moment AT TIME ZONE 'UTC', 'YYYY-MM-DD')) AS days
FROM walk
WHERE walk.moment IS NOT NULL
