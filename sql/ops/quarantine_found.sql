INSERT INTO quarantine_found (source_key, reason, payload, is_row)
SELECT
    source_key,
    reason,
    payload,
    is_row
FROM quarantine_read
