WITH
(SELECT min(touched.date_id) FROM {touched:Identifier} AS touched) AS first_touched,

hourly AS (
    SELECT
        time_id,
        hour_of_day,
        count() AS messages,
        countIf(is_first_in_chat) AS new_chats,
        groupUniqArray(sender_id) AS senders,
        groupUniqArray(chat_id) AS chats,
        countIf(is_response) AS responses,
        sum(response_microseconds) AS response_microseconds,
        sum(hash) AS facts_checksum
    FROM chat_analytics.message_facts
    WHERE
        created_at >= YYYYMMDDToDate(first_touched)
        AND time_id IN (SELECT touched.date_id FROM {touched:Identifier} AS touched)
    GROUP BY
        time_id,
        hour_of_day
),

daily AS (
    SELECT
        time_id,
        sum(messages) AS total_messages,
        sum(new_chats) AS total_new_chats,
        length(groupUniqArrayArray(senders)) AS active_users,
        length(groupUniqArrayArray(chats)) AS active_chats,
        sum(responses) AS total_responses,
        sum(response_microseconds) AS total_microseconds,
        -- Of equal hours the earliest.
        max((messages, 23 - hour_of_day)) AS peak,
        sum(facts_checksum) AS checksum
    FROM hourly
    GROUP BY time_id
),

registered AS (
    SELECT
        toYYYYMMDD(assumeNotNull(created_at)) AS date_id,
        count() AS new_users
    FROM chat_raw.users
    WHERE created_at IS NOT NULL
    GROUP BY date_id
)

SELECT
    touched.date_id AS date_id,
    daily.total_messages AS total_messages,
    daily.total_new_chats AS total_new_chats,
    daily.active_users AS active_users,
    registered.new_users AS new_users,
    if(daily.active_chats = 0, 0, daily.total_messages / daily.active_chats) AS avg_messages_per_chat,
    if(
        daily.total_responses = 0, 0, daily.total_microseconds / daily.total_responses / 60000000
    ) AS avg_response_time_minutes,
    toUInt8(if(daily.total_messages = 0, 0, 23 - daily.peak.2)) AS peak_hour,
    daily.peak.1 AS peak_hour_messages,
    daily.checksum AS facts_checksum
FROM {touched:Identifier} AS touched
LEFT JOIN daily ON daily.time_id = touched.date_id
LEFT JOIN registered ON registered.date_id = touched.date_id
-- A day that has neither any more has no row.
WHERE daily.total_messages + registered.new_users > 0
