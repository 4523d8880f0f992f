-- Each touched message beside the one before it in its chat. Of a chat's history this takes the touched messages
-- (those of the window, and the first one after it) and the last one before the window: what else there is cannot
-- be the one before a touched one.
WITH preceding AS (
    SELECT
        chat_id,
        max((created_at, id)) AS place,
        argMax(sender_id, (created_at, id)) AS sender_id
    FROM chat_raw.messages
    WHERE created_at < {start:DateTime64(6, 'UTC')} AND chat_id IN (SELECT chat_id FROM {touched:Identifier})
    GROUP BY chat_id
),

candidate AS (
    SELECT
        chat_id,
        created_at,
        id,
        sender_id,
        buyer_id,
        seller_id,
        -- White space is what Python's str.strip takes for it.
        toUInt32(lengthUTF8(
            replaceRegexpAll(
                coalesce(message, ''), '^[\\s\\v\\pZ\\x1c-\\x1f\\x85]+|[\\s\\v\\pZ\\x1c-\\x1f\\x85]+$', ''
            )
        )) AS message_length,
        TRUE AS is_touched
    FROM chat_raw.messages
    WHERE
        created_at >= {start:DateTime64(6, 'UTC')}
        AND (chat_id, created_at, id) IN (
            SELECT
                touched.chat_id,
                touched.created_at,
                touched.message_id
            FROM {touched:Identifier} AS touched
        )
    UNION ALL
    SELECT
        chat_id,
        place.1 AS created_at,
        place.2 AS id,
        sender_id,
        NULL AS buyer_id,
        NULL AS seller_id,
        0 AS message_length,
        FALSE AS is_touched
    FROM preceding
),

paired AS (
    SELECT
        *,
        row_number() OVER chat_order = 1 AS is_first_in_chat,
        lagInFrame(sender_id) OVER chat_order AS sender_before,
        lagInFrame(created_at) OVER chat_order AS time_before
    FROM candidate
    WINDOW chat_order AS (
        PARTITION BY chat_id ORDER BY created_at, id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    )
),

timed AS (
    SELECT
        *,
        NOT is_first_in_chat AND sender_before <> sender_id AS is_response,
        if(
            is_response, toUnixTimestamp64Micro(created_at) - toUnixTimestamp64Micro(time_before), 0
        ) AS response_microseconds
    FROM paired
)

SELECT
    id AS message_id,
    created_at,
    toYYYYMMDD(created_at) AS time_id,
    toHour(created_at) AS hour_of_day,
    chat_id,
    sender_id,
    if(sender_id = buyer_id, seller_id, buyer_id) AS recipient_id,
    message_length,
    response_microseconds / 60000000 AS response_time_minutes,
    response_microseconds,
    is_response,
    is_first_in_chat
FROM timed
WHERE is_touched
