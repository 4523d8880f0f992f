-- Rows that no day holds: before the first, after the last, at an infinite time or at none. Three ranges of the index.
WITH undated AS (
    SELECT
        telemetry.id,
        telemetry.created_at
    FROM telemetry_data AS telemetry
    WHERE telemetry.created_at < (%(start)s AT TIME ZONE %(zone)s)
    UNION ALL
    SELECT
        telemetry.id,
        telemetry.created_at
    FROM telemetry_data AS telemetry
    WHERE telemetry.created_at >= (%(end)s AT TIME ZONE %(zone)s)
    UNION ALL
    SELECT
        telemetry.id,
        telemetry.created_at
    FROM telemetry_data AS telemetry
    WHERE telemetry.created_at IS NULL
)

SELECT
    count(*) AS rows_outside,
    min(undated.id::text) AS one_of_them,
    min(undated.created_at)::text AS earliest,
    max(undated.created_at)::text AS latest
FROM undated
