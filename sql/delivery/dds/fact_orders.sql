SELECT
    id,
    source_address_id,
    target_address_id,
    extra,
    registered_at
FROM ods.orders
WHERE registered_at >= %(start)s AND registered_at < %(end)s
