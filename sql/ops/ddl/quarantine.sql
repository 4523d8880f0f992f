-- Rows and values that could not be read, with the raw payload and the reason.
CREATE TABLE ops.quarantine (
    id bigint GENERATED ALWAYS AS IDENTITY, -- Grows with each entry.
    asset text NOT NULL, -- The asset that could not read it.
    partition_key text, -- The partition it belongs to; NULL for an unpartitioned asset.
    run_id text NOT NULL, -- The run that found it.
    source_key text, -- Which row of the source.
    reason text NOT NULL, -- Why it could not be read.
    payload text, -- The raw value or row; bytes as \x and hexadecimal digits.
    is_row boolean NOT NULL, -- True: the row was not published. False: only this value is missing in it.
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(), -- When it was found first.
    replayed_at timestamptz, -- When a later load of the partition no longer found it; NULL while it stands.
    context jsonb, -- What a replay of a row needs beside its payload; NULL where its source is read again.
    PRIMARY KEY (id)
)
