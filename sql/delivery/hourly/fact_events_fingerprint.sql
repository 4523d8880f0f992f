-- The same text as ods/events_fingerprint.sql gives for the same rows.
SELECT
    concat(
        toString(count()), ' events, ', toString(sum(toInt128(toUnixTimestamp64Micro(event_datetime))))
    ) AS fingerprint
FROM {staged:Identifier}
