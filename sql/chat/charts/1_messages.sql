-- Messages a day
-- The 90 days up to the newest message.
-- @engine clickhouse
-- @kind bars
-- @unit messages
SELECT
    toDate(created_at) AS day,
    count() AS messages,
    if(is_response, 'answers', 'other messages') AS sort
FROM chat_analytics.message_facts
WHERE created_at >= (SELECT max(newest.created_at) - toIntervalDay(90) FROM chat_analytics.message_facts AS newest)
GROUP BY day, sort
ORDER BY day, sort
