SELECT
    count() AS missing,
    minOrNull(day_id) AS first_of_them
FROM (
    SELECT time_id AS day_id
    FROM chat_analytics.message_facts
    UNION DISTINCT
    SELECT assumeNotNull(start_time_id) AS day_id
    FROM chat_analytics.chat_facts
    WHERE start_time_id IS NOT NULL
    UNION DISTINCT
    SELECT assumeNotNull(end_time_id) AS day_id
    FROM chat_analytics.chat_facts
    WHERE end_time_id IS NOT NULL
    UNION DISTINCT
    SELECT date_id AS day_id
    FROM chat_analytics.daily_activity_facts
) AS referred
WHERE day_id NOT IN (SELECT id FROM chat_analytics.time_dimension)
