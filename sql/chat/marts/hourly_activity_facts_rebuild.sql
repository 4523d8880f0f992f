WITH
(SELECT min(touched.date_id) FROM {touched:Identifier} AS touched) AS first_touched

SELECT
    time_id AS date_id,
    hour_of_day,
    count() AS total_messages,
    countIf(is_first_in_chat) AS total_new_chats,
    uniqExact(sender_id) AS active_users,
    if(
        countIf(is_response) = 0, 0, sum(response_microseconds) / countIf(is_response) / 60000000
    ) AS avg_response_time_minutes,
    sum(hash) AS facts_checksum
FROM chat_analytics.message_facts
WHERE
    created_at >= YYYYMMDDToDate(first_touched)
    AND (time_id, hour_of_day) IN (
        SELECT
            touched.date_id,
            touched.hour_of_day
        FROM {touched:Identifier} AS touched
    )
GROUP BY
    date_id,
    hour_of_day
