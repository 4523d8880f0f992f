SELECT
    chat_id,
    sender_id,
    count() AS messages,
    sum(message_length) AS characters,
    countIf(is_response) AS responses,
    sum(response_microseconds) AS response_microseconds,
    min(created_at) AS first_at,
    max(created_at) AS last_at
FROM chat_analytics.message_facts
-- All senders of a touched chat are touched.
WHERE chat_id IN (SELECT touched.chat_id FROM {touched:Identifier} AS touched)
GROUP BY
    chat_id,
    sender_id
