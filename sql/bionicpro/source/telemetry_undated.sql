-- Rows that no day can have: later than the open day, or at no time at all. Two index ranges.
SELECT
    count(*) AS rows_outside,
    min(telemetry.id) AS one_of_them
FROM telemetry_data AS telemetry
WHERE
    telemetry.created_at >= (%(end)s AT TIME ZONE %(zone)s)
    OR telemetry.created_at = '-infinity'
