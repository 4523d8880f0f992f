-- The deliveries of a window whose pipeline lacks a value which every pipeline has.
SELECT
    delivery.pipeline_id::text AS source_key,
    concat_ws(
        ', ',
        CASE WHEN pipeline.order_id IS NULL THEN 'order_id' END,
        CASE WHEN pipeline.status IS NULL THEN 'status' END
    ) || ' of its pipeline is missing' AS reason,
    row_to_json(delivery)::text AS payload
FROM public.pipeline
INNER JOIN public.delivery ON pipeline.id = delivery.pipeline_id
WHERE
    pipeline.created_at >= %(from)s
    AND pipeline.created_at < %(to)s
    AND NOT (pipeline.order_id, pipeline.status) IS NOT NULL
