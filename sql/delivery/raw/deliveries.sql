-- The service stores the cost as a float of two decimals. One that is no such amount (NaN, infinite, too large, more
-- decimals) stays as it is in source_cost, and goes to quarantine.
SELECT
    delivery.pipeline_id,
    CASE
        WHEN abs(delivery.cost) < 1e8
            THEN CASE
                    WHEN round(delivery.cost::numeric, 2)::double precision = delivery.cost
                        THEN delivery.cost::numeric(10, 2)
                END
    END AS cost,
    delivery.estimated_at,
    delivery.performer_id,
    delivery.assigned_at,
    delivery.released_at,
    pipeline.created_at,
    pipeline.order_id,
    ordered.extra::text AS order_type,
    pipeline.status::text AS status,
    delivery.cost AS source_cost,
    TRUE AS is_valid
FROM public.pipeline
INNER JOIN public.delivery ON pipeline.id = delivery.pipeline_id
LEFT JOIN public."order" AS ordered ON pipeline.order_id = ordered.id
WHERE pipeline.created_at >= %(from)s AND pipeline.created_at < %(to)s
