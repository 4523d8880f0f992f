-- A walk along the index of created_at: one look-up for each day that has rows, none for those between. Each
-- look-up ends at the bound: an infinite time has no next day, so a walk that came to one would never end.
WITH RECURSIVE walk AS (
    SELECT
        (
            SELECT min(telemetry.created_at)
            FROM telemetry_data AS telemetry
            WHERE
                telemetry.created_at >= (%(start)s AT TIME ZONE %(zone)s)
                AND telemetry.created_at < (%(bound)s AT TIME ZONE %(zone)s)
        ) AS local_time
    UNION ALL
    SELECT
        (
            SELECT min(telemetry.created_at)
            FROM telemetry_data AS telemetry
            WHERE
                telemetry.created_at >= (
                    (date_trunc('day', walk.local_time AT TIME ZONE %(zone)s AT TIME ZONE 'UTC') + interval '1 day')
                    AT TIME ZONE 'UTC' AT TIME ZONE %(zone)s
                )
                AND telemetry.created_at < (%(bound)s AT TIME ZONE %(zone)s)
        ) AS local_time
    FROM walk
    WHERE walk.local_time IS NOT NULL
)

SELECT array_agg(DISTINCT to_char(walk.local_time AT TIME ZONE %(zone)s AT TIME ZONE 'UTC', 'YYYY-MM-DD')) AS days
FROM walk
WHERE walk.local_time AT TIME ZONE %(zone)s < %(bound)s
