-- The chats as they are at the source: a replica of the whole table.
CREATE TABLE chat_raw.chats (
    id UInt32, -- Key of the chat. Source: chats.id.
    buyer_id Nullable(UInt32), -- The user who asks. Source: chats.buyer_id.
    seller_id Nullable(UInt32), -- The user who sells. Source: chats.seller_id.
    product_id Nullable(UInt32), -- What it is about. Source: chats.product_id.
    created_at Nullable(DateTime64(6, 'UTC')) -- When it was opened (UTC). Source: chats.created_at.
)
ENGINE = MergeTree
ORDER BY (id)
