-- When people write
-- Messages by weekday and hour (UTC), of the 90 days up to the newest one.
-- @engine clickhouse
-- @kind heatmap
-- @unit messages
SELECT
    leftPad(toString(hour_of_day), 2, '0') AS hour,
    ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'][toDayOfWeek(created_at)] AS weekday,
    count() AS messages
FROM chat_analytics.message_facts
WHERE created_at >= (SELECT max(newest.created_at) - toIntervalDay(90) FROM chat_analytics.message_facts AS newest)
GROUP BY toDayOfWeek(created_at), weekday, hour
ORDER BY toDayOfWeek(created_at), hour
