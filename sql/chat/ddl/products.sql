-- The products that chats are about, as they are at the source: a replica of the whole table.
CREATE TABLE chat_raw.products (
    id UInt32, -- Key of the product. Source: products.id.
    name Nullable(String), -- What it is called. Source: products.name.
    description Nullable(String), -- What it is. Source: products.description.
    price Nullable(Decimal(10, 2)), -- What it costs. Source: products.price.
    seller_id Nullable(UInt32), -- The user who sells it. Source: products.seller_id.
    created_at Nullable(DateTime64(6, 'UTC')) -- When it was offered (UTC). Source: products.created_at.
)
ENGINE = MergeTree
ORDER BY (id)
