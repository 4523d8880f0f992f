INSERT INTO quarantine_found (source_key, reason, payload, is_row)
SELECT
    rejected.source_key,
    rejected.reason,
    rejected.payload,
    TRUE AS is_row
FROM unnest(%(source_keys)s::text[], %(reasons)s::text[], %(payloads)s::text[])
        AS rejected (source_key, reason, payload)
