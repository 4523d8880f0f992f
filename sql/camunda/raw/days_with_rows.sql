-- A walk along the index of time_: one look-up for each day that has rows, none for those between. Each
-- look-up ends at the bound: an infinite time has no next day, so a walk that came to one would never end.
WITH RECURSIVE walk AS (
    SELECT
        (
            SELECT min(detail.time_)
            FROM act_hi_detail AS detail
            WHERE
                detail.time_ >= (%(start)s AT TIME ZONE %(zone)s)
                AND detail.time_ < (%(bound)s AT TIME ZONE %(zone)s)
        ) AS local_time
    UNION ALL
    SELECT
        (
            SELECT min(detail.time_)
            FROM act_hi_detail AS detail
            WHERE
                detail.time_ >= (
                    (date_trunc('day', walk.local_time AT TIME ZONE %(zone)s AT TIME ZONE 'UTC') + interval '1 day')
                    AT TIME ZONE 'UTC' AT TIME ZONE %(zone)s
                )
                AND detail.time_ < (%(bound)s AT TIME ZONE %(zone)s)
        ) AS local_time
    FROM walk
    WHERE walk.local_time IS NOT NULL
)

SELECT array_agg(DISTINCT to_char(walk.local_time AT TIME ZONE %(zone)s AT TIME ZONE 'UTC', 'YYYY-MM-DD')) AS days
FROM walk
WHERE walk.local_time AT TIME ZONE %(zone)s < %(bound)s
