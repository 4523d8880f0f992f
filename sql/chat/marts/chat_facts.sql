WITH totals AS (
    SELECT
        sender.chat_id AS chat_id,
        min(sender.first_at) AS first_at,
        max(sender.last_at) AS last_at,
        sum(sender.messages) AS total_messages,
        sumIf(sender.messages, sender.sender_id = chat.buyer_id) AS buyer_messages,
        sumIf(sender.messages, sender.sender_id = chat.seller_id) AS seller_messages,
        sum(sender.characters) AS characters,
        sum(sender.responses) AS responses,
        sum(sender.response_microseconds) AS response_microseconds
    FROM chat_analytics.chat_senders AS sender
    INNER JOIN chat_raw.chats AS chat ON sender.chat_id = chat.id
    GROUP BY sender.chat_id
)

SELECT
    chat.id AS chat_id,
    toYYYYMMDD(if(total_messages > 0, first_at, chat.created_at)) AS start_time_id,
    toYYYYMMDD(if(total_messages > 0, last_at, chat.created_at)) AS end_time_id,
    chat.buyer_id AS buyer_id,
    chat.seller_id AS seller_id,
    totals.total_messages AS total_messages,
    totals.buyer_messages AS buyer_messages,
    totals.seller_messages AS seller_messages,
    if(total_messages = 0, 0, totals.characters / total_messages) AS avg_message_length,
    if(
        totals.responses = 0, 0, totals.response_microseconds / totals.responses / 60000000
    ) AS avg_response_time_minutes,
    if(
        total_messages > 1,
        (toUnixTimestamp64Micro(last_at) - toUnixTimestamp64Micro(first_at)) / 3600000000,
        0
    ) AS chat_duration_hours
FROM chat_raw.chats AS chat
LEFT JOIN totals ON totals.chat_id = chat.id
