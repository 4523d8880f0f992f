-- A row a user, all of them refreshed together: how active each is.
CREATE TABLE chat_analytics.user_dimension (
    id UInt32, -- The user. Source: users.id.
    registration_date Nullable(Date32), -- Day of the registration (UTC). Source: users.created_at.
    days_active Int32, -- Whole days from the registration to the last own message; without one, to last_updated. Source: users.created_at, messages.created_at.
    total_chats UInt64, -- In how many chats the user wrote. Source: distinct messages.chat_id.
    total_messages UInt64, -- How many messages the user wrote. Source: count of messages.id.
    avg_response_time_minutes Float64, -- Mean of the user's own answers' minutes; 0 without answers. Source: message_facts.response_time_minutes.
    messages_per_week Float64, -- total_messages / (days_active / 7); 0 if days_active is 0. Source: the two columns.
    activity_level Enum8('low' = 1, 'medium' = 2, 'high' = 3), -- By messages_per_week: high above MARTS_CHAT_HIGH_ACTIVITY, medium from MARTS_CHAT_MEDIUM_ACTIVITY on. Source: messages_per_week.
    last_updated DateTime64(6, 'UTC') -- Up to when the loaded data reach: the newest message or registration (UTC). Source: messages.created_at, users.created_at.
)
ENGINE = MergeTree
ORDER BY (id)
