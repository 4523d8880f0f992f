CREATE TEMPORARY TABLE quarantine_found (
    source_key text,
    reason text NOT NULL,
    payload text,
    is_row boolean NOT NULL,
    context jsonb
) ON COMMIT DROP
