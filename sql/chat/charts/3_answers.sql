-- How long answers take
-- Minutes from a message to the answer, by day: the middle one, and the one that nine of ten do not exceed.
-- @engine clickhouse
-- @kind lines
-- @unit min
SELECT
    day,
    round(minutes, 1) AS minutes,
    share
FROM (
    SELECT
        toDate(created_at) AS day,
        quantilesExact(0.5, 0.9) (response_time_minutes) AS times
    FROM chat_analytics.message_facts
    WHERE
        is_response
        AND created_at >= (
            SELECT max(newest.created_at) - toIntervalDay(90) FROM chat_analytics.message_facts AS newest
        )
    GROUP BY day
) AS days
ARRAY JOIN
    times AS minutes,
    ['half of them', 'nine of ten'] AS share
ORDER BY day, share
