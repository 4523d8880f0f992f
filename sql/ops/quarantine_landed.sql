INSERT INTO quarantine_found (source_key, reason, payload, is_row, context)
SELECT
    found.source_key,
    found.reason,
    found.payload,
    found.is_row,
    found.context
FROM ({found}) AS found
