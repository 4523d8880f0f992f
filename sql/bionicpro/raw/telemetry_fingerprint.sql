-- The same text as source/telemetry_fingerprint.sql gives for the same rows.
SELECT
    concat(
        toString(count()),
        if(count() = 0, '', concat(' ', toString(max(created_at)), ' ', toString(max(id)))),
        ' ',
        toString(count(response_time_ms)),
        ' ',
        toString(count(battery_level)),
        ' ',
        toString(coalesce(sum(duration_seconds), 0))
    ) AS fingerprint
FROM {staged:Identifier}
