SELECT
    day.full_date AS full_date,
    facts.total_messages AS messages,
    facts.total_new_chats AS new_chats,
    facts.active_users AS active_users,
    round(facts.avg_messages_per_chat, 2) AS messages_per_chat,
    round(facts.avg_response_time_minutes, 1) AS response_minutes,
    facts.peak_hour AS peak_hour
FROM chat_analytics.daily_activity_facts AS facts
INNER JOIN chat_analytics.time_dimension AS day ON facts.date_id = day.id
ORDER BY full_date DESC
LIMIT 7
