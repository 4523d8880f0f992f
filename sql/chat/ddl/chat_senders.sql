-- A row a chat and sender: what one user wrote in one chat. The chats' and the users' figures are made of it.
CREATE TABLE chat_analytics.chat_senders (
    chat_id UInt32, -- The chat. Source: messages.chat_id.
    sender_id UInt32, -- The user who wrote in it. Source: messages.sender_id.
    messages UInt64, -- How many messages. Source: count of messages.id.
    characters UInt64, -- Sum of their lengths. Source: message_facts.message_length.
    responses UInt64, -- How many of them answer somebody else's. Source: message_facts.is_response.
    response_microseconds Int64, -- Sum of the time that those answers took. Source: message_facts.response_microseconds.
    first_at DateTime64(6, 'UTC'), -- The first one's time (UTC). Source: messages.created_at.
    last_at DateTime64(6, 'UTC') -- The last one's time (UTC). Source: messages.created_at.
)
ENGINE = MergeTree
ORDER BY (chat_id, sender_id)
