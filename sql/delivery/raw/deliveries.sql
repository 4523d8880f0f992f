-- The service stores the cost as a float of two decimals. One that is no such amount (NaN, infinite, too large, more
-- decimals) stays as it is in source_cost, and goes to quarantine.
-- A time before 1970-01-02 or from 2100 on, such as a language's zero or a far end, is none: it is NULL, stays as it is
-- in source_times, and goes to quarantine. A row whose pipeline lacks a value that every one has
-- is refused (deliveries_refused.sql).
SELECT
    delivery.pipeline_id,
    CASE
        WHEN abs(delivery.cost) < 1e8
            THEN CASE
                    WHEN round(delivery.cost::numeric, 2)::double precision = delivery.cost
                        THEN delivery.cost::numeric(10, 2)
                END
    END AS cost,
    CASE
        WHEN delivery.estimated_at >= '1970-01-02 00:00:00+00' AND delivery.estimated_at < '2100-01-01 00:00:00+00'
            THEN delivery.estimated_at
    END AS estimated_at,
    delivery.performer_id,
    CASE
        WHEN delivery.assigned_at >= '1970-01-02 00:00:00+00' AND delivery.assigned_at < '2100-01-01 00:00:00+00'
            THEN delivery.assigned_at
    END AS assigned_at,
    CASE
        WHEN delivery.released_at >= '1970-01-02 00:00:00+00' AND delivery.released_at < '2100-01-01 00:00:00+00'
            THEN delivery.released_at
    END AS released_at,
    pipeline.created_at,
    pipeline.order_id,
    ordered.extra::text AS order_type,
    pipeline.status::text AS status,
    delivery.cost AS source_cost,
    nullif(concat_ws(
        ', ',
        CASE
            WHEN delivery.estimated_at < '1970-01-02 00:00:00+00' OR delivery.estimated_at >= '2100-01-01 00:00:00+00'
                THEN 'estimated_at ' || trim('"' FROM to_json(delivery.estimated_at AT TIME ZONE 'UTC')::text)
        END,
        CASE
            WHEN delivery.assigned_at < '1970-01-02 00:00:00+00' OR delivery.assigned_at >= '2100-01-01 00:00:00+00'
                THEN 'assigned_at ' || trim('"' FROM to_json(delivery.assigned_at AT TIME ZONE 'UTC')::text)
        END,
        CASE
            WHEN delivery.released_at < '1970-01-02 00:00:00+00' OR delivery.released_at >= '2100-01-01 00:00:00+00'
                THEN 'released_at ' || trim('"' FROM to_json(delivery.released_at AT TIME ZONE 'UTC')::text)
        END
    ), '') AS source_times,
    TRUE AS is_valid
FROM public.pipeline
INNER JOIN public.delivery ON pipeline.id = delivery.pipeline_id
LEFT JOIN public."order" AS ordered ON pipeline.order_id = ordered.id
WHERE
    pipeline.created_at >= %(from)s
    AND pipeline.created_at < %(to)s
    AND (pipeline.order_id, pipeline.status) IS NOT NULL
