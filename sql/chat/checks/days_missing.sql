SELECT
    count() AS missing,
    minOrNull(day_id) AS first_of_them
FROM (
    SELECT time_id AS day_id
    FROM chat_analytics.message_facts
    UNION DISTINCT
    SELECT start_time_id AS day_id
    FROM chat_analytics.chat_facts
    UNION DISTINCT
    SELECT end_time_id AS day_id
    FROM chat_analytics.chat_facts
    UNION DISTINCT
    SELECT date_id AS day_id
    FROM chat_analytics.daily_activity_facts
) AS referred
WHERE day_id NOT IN (SELECT id FROM chat_analytics.time_dimension)
