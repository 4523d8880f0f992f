-- A row an hour (UTC) in which somebody wrote.
CREATE TABLE chat_analytics.hourly_activity_facts (
    date_id UInt32, -- The day in time_dimension, as yyyymmdd. Source: the day of messages.created_at (UTC).
    hour_of_day UInt8, -- The hour, 0 to 23. Source: the hour of messages.created_at (UTC).
    total_messages UInt64, -- Messages of the hour. Source: count of messages.id.
    total_new_chats UInt64, -- Chats whose first message is of the hour. Source: message_facts.is_first_in_chat.
    active_users UInt64, -- Users who wrote. Source: distinct messages.sender_id.
    avg_response_time_minutes Float64, -- Mean of the hour's answers' minutes; 0 without answers. Source: message_facts.response_time_minutes.
    facts_checksum UInt64 -- Checksum of the message facts that the row is made of: a later load sees by it what changed.
)
ENGINE = MergeTree
ORDER BY (date_id, hour_of_day)
