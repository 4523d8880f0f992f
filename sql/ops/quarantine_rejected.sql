INSERT INTO quarantine_found (source_key, reason, payload, is_row)
SELECT
    rejected.source_key,
    rejected.reason,
    rejected.payload,
    rejected.is_row
FROM unnest(%(source_keys)s::text[], %(reasons)s::text[], %(payloads)s::text[], %(are_rows)s::boolean[])
        AS rejected (source_key, reason, payload, is_row)
