SELECT
    toStartOfHour(facts.registered_at) AS hour,
    countState() AS orders_count,
    uniqExactState(facts.source_address_id) AS unique_source_addresses,
    uniqExactState(facts.target_address_id) AS unique_target_addresses
FROM dds.fact_orders AS facts
WHERE
    facts.registered_at >= {start:DateTime64(6, 'UTC')}
    AND facts.registered_at < {end:DateTime64(6, 'UTC')}
GROUP BY hour
