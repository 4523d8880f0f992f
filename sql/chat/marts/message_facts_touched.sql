-- The window's messages, now and as they were published, and of each of their chats the first message after the
-- window: what precedes that one may have changed.
WITH windowed AS (
    SELECT
        chat_id,
        created_at,
        id AS message_id
    FROM chat_raw.messages
    WHERE created_at >= {start:DateTime64(6, 'UTC')} AND created_at < {end:DateTime64(6, 'UTC')}
    UNION DISTINCT
    SELECT
        chat_id,
        created_at,
        message_id
    FROM chat_analytics.message_facts
    WHERE created_at >= {start:DateTime64(6, 'UTC')} AND created_at < {end:DateTime64(6, 'UTC')}
),

following AS (
    SELECT
        chat_id,
        min((created_at, id)) AS place
    FROM chat_raw.messages
    WHERE created_at >= {end:DateTime64(6, 'UTC')} AND chat_id IN (SELECT windowed.chat_id FROM windowed)
    GROUP BY chat_id
)

SELECT
    chat_id,
    created_at,
    message_id,
    TRUE AS in_doubt
FROM windowed
UNION ALL
SELECT
    chat_id,
    place.1 AS created_at,
    place.2 AS message_id,
    TRUE AS in_doubt
FROM following
