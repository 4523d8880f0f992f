INSERT INTO quarantine_found (source_key, reason, payload, is_row)
SELECT DISTINCT
    found.source_key::text AS source_key,
    found.reason::text AS reason,
    found.payload::text AS payload,
    found.is_row::boolean AS is_row
FROM ({found}) AS found
