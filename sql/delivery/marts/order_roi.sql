SELECT
    toDate(facts.created_at) AS day,
    facts.order_type AS order_type,
    countIf(facts.assigned_at IS NOT NULL) AS assigned,
    countIf(facts.status = 'succeeded') AS succeeded,
    sumIf(coalesce(toDecimal128(facts.cost, 2), toDecimal128(0, 2)), facts.status = 'succeeded') AS revenue,
    toDecimal128(
        sumIf(coalesce(toDecimal128(facts.cost, 2), toDecimal128(0, 2)), facts.assigned_at IS NOT NULL), 2
    ) * {share:Decimal(9, 4)} AS payouts,
    (toFloat64(revenue) - toFloat64(payouts)) / nullIf(toFloat64(payouts), 0) AS roi
FROM dds.fact_deliveries AS facts
WHERE
    facts.created_at >= {start:DateTime64(6, 'UTC')}
    AND facts.created_at < {end:DateTime64(6, 'UTC')}
GROUP BY day, order_type
