-- Deliveries that no day holds: those of pipelines that none holds, and those without a pipeline. No index finds the
-- latter, so a stretch of the primary key is looked at, from a random place on and from its beginning.
WITH undated AS (
    SELECT
        delivery.pipeline_id AS row_key,
        pipeline.created_at AS moment
    FROM public.pipeline
    INNER JOIN public.delivery ON pipeline.id = delivery.pipeline_id
    WHERE pipeline.created_at < %(start)s
    UNION ALL
    SELECT
        delivery.pipeline_id AS row_key,
        pipeline.created_at AS moment
    FROM public.pipeline
    INNER JOIN public.delivery ON pipeline.id = delivery.pipeline_id
    WHERE pipeline.created_at >= %(end)s
    UNION ALL
    SELECT
        delivery.pipeline_id AS row_key,
        pipeline.created_at AS moment
    FROM public.pipeline
    INNER JOIN public.delivery ON pipeline.id = delivery.pipeline_id
    WHERE pipeline.created_at IS NULL
    UNION
    SELECT
        drawn.pipeline_id AS row_key,
        NULL::timestamptz AS moment
    FROM (
        (
            SELECT delivery.pipeline_id
            FROM public.delivery
            WHERE delivery.pipeline_id >= %(drawn)s::uuid
            ORDER BY delivery.pipeline_id
            LIMIT %(most)s
        )
        UNION ALL
        (
            SELECT delivery.pipeline_id
            FROM public.delivery
            WHERE delivery.pipeline_id < %(drawn)s::uuid
            ORDER BY delivery.pipeline_id
            LIMIT %(most)s
        )
    ) AS drawn
    WHERE NOT EXISTS (SELECT 1 FROM public.pipeline WHERE pipeline.id = drawn.pipeline_id)
)

SELECT
    count(*) AS rows_outside,
    min(undated.row_key::text) AS one_of_them,
    min(undated.moment)::text AS earliest,
    max(undated.moment)::text AS latest
FROM undated
