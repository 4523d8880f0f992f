-- A row without a value that every order has is refused (refused.sql).
SELECT
    id,
    source_address_id,
    target_address_id,
    extra::text AS extra,
    registered_at,
    TRUE AS is_valid
FROM public."order"
WHERE
    registered_at >= %(from)s
    AND registered_at < %(to)s
    AND (source_address_id, target_address_id) IS NOT NULL
