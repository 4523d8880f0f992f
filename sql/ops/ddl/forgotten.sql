-- What was forgotten on a person's request: when, how much, and by whom. Of the key only a digest, nothing of its rows.
CREATE TABLE ops.forgotten (
    id bigint GENERATED ALWAYS AS IDENTITY, -- Grows with each entry.
    domain text NOT NULL, -- The domain.
    key_name text NOT NULL, -- The name of the key, such as process.
    key_digest text NOT NULL, -- SHA-256 of the key in UTF-8, in hexadecimal digits: whoever has the key finds its entry.
    rows_deleted jsonb NOT NULL, -- Rows deleted, by table.
    role_name text NOT NULL DEFAULT session_user, -- The role of the warehouse that deleted them.
    forgotten_at timestamptz NOT NULL DEFAULT clock_timestamp(), -- When.
    PRIMARY KEY (id)
)
