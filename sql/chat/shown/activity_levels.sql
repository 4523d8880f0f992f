SELECT
    activity_level,
    count() AS users,
    sum(total_messages) AS messages,
    round(avg(messages_per_week), 1) AS messages_per_week,
    round(avg(avg_response_time_minutes), 1) AS response_minutes
FROM chat_analytics.user_dimension
GROUP BY activity_level
ORDER BY activity_level DESC
