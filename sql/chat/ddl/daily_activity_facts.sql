-- A row a day (UTC) on which somebody wrote or registered.
CREATE TABLE chat_analytics.daily_activity_facts (
    date_id UInt32, -- The day in time_dimension, as yyyymmdd. Source: the day of messages.created_at or users.created_at (UTC).
    total_messages UInt64, -- Messages of the day. Source: count of messages.id.
    total_new_chats UInt64, -- Chats whose first message is of the day. Source: message_facts.is_first_in_chat.
    active_users UInt64, -- Users who wrote. Source: distinct messages.sender_id.
    new_users UInt64, -- Users who registered. Source: users.created_at.
    avg_messages_per_chat Float64, -- Messages by chats in which somebody wrote; 0 without messages. Source: messages.chat_id.
    avg_response_time_minutes Float64, -- Mean of the day's answers' minutes; 0 without answers. Source: message_facts.response_time_minutes.
    peak_hour UInt8, -- The hour with most messages, the earliest of equal ones; 0 without messages. Source: message_facts.hour_of_day.
    peak_hour_messages UInt64, -- Messages of that hour. Source: count of messages.id.
    facts_checksum UInt64 -- Checksum of the message facts that the row is made of: a later load sees by it what changed.
)
ENGINE = MergeTree
ORDER BY (date_id)
