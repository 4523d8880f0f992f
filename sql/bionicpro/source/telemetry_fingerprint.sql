-- Rows, newest time, newest key, and what tells most corrections of values: an index range of created_at.
SELECT
    concat_ws(
        ' ',
        count(*),
        to_char((max(telemetry.created_at) AT TIME ZONE %(zone)s) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'),
        max(telemetry.id),
        count(telemetry.response_time_ms),
        count(telemetry.battery_level),
        coalesce(sum(telemetry.duration_seconds), 0)
    ) AS fingerprint
FROM telemetry_data AS telemetry
WHERE
    telemetry.created_at >= %(from_local)s
    AND telemetry.created_at < %(to_local)s
    AND (
        %(is_exact)s
        OR (
            (telemetry.created_at AT TIME ZONE %(zone)s) >= %(from)s
            AND (telemetry.created_at AT TIME ZONE %(zone)s) < %(to)s
        )
    )
