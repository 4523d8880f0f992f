SELECT
    toDate(facts.registered_at) AS day,
    facts.source_address_id AS source_address_id,
    facts.target_address_id AS target_address_id,
    count() AS orders_count,
    max(facts.registered_at) AS last_registered_at
FROM dds.fact_orders AS facts
WHERE
    facts.registered_at >= {start:DateTime64(6, 'UTC')}
    AND facts.registered_at < {end:DateTime64(6, 'UTC')}
GROUP BY day, source_address_id, target_address_id
