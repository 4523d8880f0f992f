-- How many messages of a window the ODS has, and the sum of their times: a message never changes, but comes late.
SELECT
    count(*) || ' events, '
    || coalesce(sum((extract(EPOCH FROM event_timestamp) * 1000000)::numeric(30, 0)), 0) AS fingerprint
FROM ods.events
WHERE event_timestamp >= %(start)s AND event_timestamp < %(end)s
