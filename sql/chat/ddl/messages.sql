-- The messages as they are at the source, each with the two sides of its chat as they were in the same snapshot.
CREATE TABLE chat_raw.messages (
    id UInt32, -- Key of the message. Source: messages.id.
    chat_id UInt32, -- The chat it belongs to. Source: messages.chat_id.
    sender_id UInt32, -- The user who wrote it. Source: messages.sender_id.
    buyer_id Nullable(UInt32), -- The chat's buyer; NULL if the source has no such chat. Source: chats.buyer_id.
    seller_id Nullable(UInt32), -- The chat's seller; NULL if the source has no such chat. Source: chats.seller_id.
    message Nullable(String), -- The text. Source: messages.message.
    created_at DateTime64(6, 'UTC'), -- When it was written (UTC). Source: messages.created_at.
    read_status Nullable(Bool) -- Whether the recipient has read it. Source: messages.read_status.
)
ENGINE = MergeTree
PARTITION BY toYYYYMMDD(created_at)
ORDER BY (chat_id, created_at, id)
