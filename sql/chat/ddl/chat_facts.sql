-- A row a chat, each from its whole history; a chat without messages has zeros and the day on which it was opened.
CREATE TABLE chat_analytics.chat_facts (
    chat_id UInt32, -- The chat. Source: chats.id.
    start_time_id Nullable(UInt32), -- Day of the first message in time_dimension, as yyyymmdd; of the opening if there is none; NULL if that is unknown. Source: messages.created_at, chats.created_at.
    end_time_id Nullable(UInt32), -- Day of the last message in time_dimension, as yyyymmdd; of the opening if there is none; NULL if that is unknown. Source: messages.created_at, chats.created_at.
    buyer_id Nullable(UInt32), -- The user who asks. Source: chats.buyer_id.
    seller_id Nullable(UInt32), -- The user who sells. Source: chats.seller_id.
    total_messages UInt64, -- All messages. Source: count of messages.id.
    buyer_messages UInt64, -- Those that the buyer wrote. Source: messages.sender_id = chats.buyer_id.
    seller_messages UInt64, -- Those that the seller wrote. Source: messages.sender_id = chats.seller_id.
    avg_message_length Float64, -- Mean length in characters; 0 without messages. Source: message_facts.message_length.
    avg_response_time_minutes Float64, -- Mean of the answers' minutes; 0 without answers. Source: message_facts.response_time_minutes.
    chat_duration_hours Float64 -- Hours from the first to the last message; 0 if there is one or none. Source: messages.created_at.
)
ENGINE = MergeTree
ORDER BY (chat_id)
