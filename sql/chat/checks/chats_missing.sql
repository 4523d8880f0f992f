SELECT
    count() AS missing,
    minOrNull(chat_id) AS first_of_them
FROM (
    SELECT DISTINCT chat_id
    FROM chat_analytics.message_facts
) AS referred
WHERE chat_id NOT IN (SELECT chat_id FROM chat_analytics.chat_facts)
