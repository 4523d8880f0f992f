WITH written AS (
    SELECT
        sender_id,
        count() AS total_chats,
        sum(messages) AS total_messages,
        sum(responses) AS responses,
        sum(response_microseconds) AS response_microseconds,
        max(last_at) AS last_at
    FROM chat_analytics.chat_senders
    GROUP BY sender_id
),

-- Not the clock: the same data give the same table, whenever it is computed.
reach AS (
    SELECT greatest(
        (SELECT max(last_at) FROM chat_analytics.chat_senders),
        (SELECT coalesce(max(created_at), toDateTime64(0, 6, 'UTC')) FROM chat_raw.users)
    ) AS as_of
),

active AS (
    SELECT
        user.id AS id,
        user.created_at AS registered_at,
        written.total_chats AS total_chats,
        written.total_messages AS total_messages,
        written.responses AS responses,
        written.response_microseconds AS response_microseconds,
        reach.as_of AS as_of,
        if(
            isNull(registered_at),
            0,
            floor(
                (
                    toUnixTimestamp64Micro(if(total_messages > 0, written.last_at, as_of))
                    - toUnixTimestamp64Micro(assumeNotNull(registered_at))
                ) / 86400000000
            )
        ) AS days
    FROM chat_raw.users AS user
    CROSS JOIN reach
    LEFT JOIN written ON written.sender_id = user.id
)

SELECT
    id,
    toDate32(registered_at) AS registration_date,
    toInt32(days) AS days_active,
    total_chats,
    total_messages,
    if(responses = 0, 0, response_microseconds / responses / 60000000) AS avg_response_time_minutes,
    if(days = 0, 0, total_messages / (days / 7)) AS messages_per_week,
    multiIf(
        messages_per_week > {high_activity:Float64}, 'high',
        messages_per_week >= {medium_activity:Float64}, 'medium',
        'low'
    ) AS activity_level,
    as_of AS last_updated
FROM active
