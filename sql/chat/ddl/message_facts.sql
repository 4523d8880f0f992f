-- A row a message: who wrote to whom, how long it is, how long the other side had waited for it.
CREATE TABLE chat_analytics.message_facts (
    message_id UInt32, -- The message. Source: messages.id.
    created_at DateTime64(6, 'UTC'), -- When it was written (UTC). Source: messages.created_at.
    time_id UInt32, -- Its day in time_dimension, as yyyymmdd. Source: the day of messages.created_at (UTC).
    hour_of_day UInt8, -- Its hour, 0 to 23. Source: the hour of messages.created_at (UTC).
    chat_id UInt32, -- The chat. Source: messages.chat_id.
    sender_id UInt32, -- The user who wrote it. Source: messages.sender_id.
    recipient_id Nullable(UInt32), -- The seller if the buyer wrote it, else the buyer; NULL if the source has no such chat. Source: chats.buyer_id, chats.seller_id.
    message_length UInt32, -- Characters of the text without white space at its ends. Source: messages.message.
    response_time_minutes Float64, -- Minutes since the message before it in the chat, if somebody else wrote that one; else 0. Source: messages.created_at.
    response_microseconds Int64, -- The same time exactly, so that sums of it do not depend on their order. Source: messages.created_at.
    is_response Bool, -- Whether somebody else wrote the message before it in the chat: averages count these only. Source: messages.sender_id.
    is_first_in_chat Bool, -- Whether no message of the chat precedes it (by time, then by id). Source: messages of the chat.
    hash UInt64 ALIAS cityHash64(hour_of_day, chat_id, sender_id, response_microseconds, is_response, is_first_in_chat) -- Of what the activity facts are made of; computed when it is read.
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(created_at)
ORDER BY (chat_id, created_at, message_id)
