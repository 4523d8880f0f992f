-- What the source no longer has was deleted by its retention: the warehouse keeps it. A row beyond the bound of this
-- read may still be there.
SELECT
    published.id,
    published.source_address_id,
    published.target_address_id,
    published.extra,
    published.registered_at,
    published.load_timestamp,
    published.is_valid AND published.registered_at >= %(bound)s AS is_valid
FROM ods.orders AS published
WHERE
    published.registered_at >= %(start)s
    AND published.registered_at < %(end)s
    AND NOT EXISTS (SELECT 1 FROM {staged} AS staged WHERE staged.id = published.id)
