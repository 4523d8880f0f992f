-- Every sender of the chats that have messages on one of the days loaded, or had some when they were last published.
WITH touched_chat AS (
    SELECT chat_id
    FROM chat_analytics.message_facts
    WHERE toDate(created_at) IN {days:Array(Date)}
    UNION DISTINCT
    SELECT chat_id
    FROM chat_analytics.chat_senders
    WHERE
        notEmpty({days:Array(Date)})
        AND toDate(first_at) <= arrayMax({days:Array(Date)})
        AND toDate(last_at) >= arrayMin({days:Array(Date)})
)

SELECT
    chat_id,
    sender_id,
    TRUE AS in_doubt
FROM (
    SELECT
        chat_id,
        sender_id
    FROM chat_analytics.message_facts
    WHERE chat_id IN (SELECT touched_chat.chat_id FROM touched_chat)
    UNION DISTINCT
    SELECT
        chat_id,
        sender_id
    FROM chat_analytics.chat_senders
    WHERE chat_id IN (SELECT touched_chat.chat_id FROM touched_chat)
) AS sides
