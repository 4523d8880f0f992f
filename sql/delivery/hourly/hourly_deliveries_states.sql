SELECT
    toDate(facts.created_at) AS created_on,
    toStartOfHour(assumeNotNull(facts.estimated_at)) AS hour,
    facts.performer_id AS performer_id,
    countState() AS deliveries_count,
    sumState(coalesce(facts.cost, toDecimal64(0, 2))) AS total_cost,
    countStateIf(facts.cost IS NOT NULL) AS costed_count,
    countStateIf(facts.released_at IS NOT NULL) AS completed_count
FROM dds.fact_deliveries AS facts
WHERE
    facts.created_at >= {start:DateTime64(6, 'UTC')}
    AND facts.created_at < {end:DateTime64(6, 'UTC')}
    AND facts.estimated_at IS NOT NULL
GROUP BY created_on, hour, performer_id
