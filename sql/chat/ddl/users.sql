-- The chat's users as they are at the source: a replica of the whole table.
CREATE TABLE chat_raw.users (
    id UInt32, -- Key of the user. Source: users.id.
    username Nullable(String), -- The name shown to others. Source: users.username.
    avatar_path Nullable(String), -- Where the picture is. Source: users.avatar_path.
    email Nullable(String), -- The address, unique at the source. Source: users.email.
    created_at Nullable(DateTime64(6, 'UTC')) -- When the user registered (UTC). Source: users.created_at.
)
ENGINE = MergeTree
ORDER BY (id)
