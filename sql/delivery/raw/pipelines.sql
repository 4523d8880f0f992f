-- The order's time comes in the same snapshot, so that it is there whenever the pipeline is.
SELECT
    pipeline.id,
    pipeline.order_id,
    ordered.registered_at AS order_registered_at,
    pipeline.status::text AS status,
    pipeline.message::text AS message,
    pipeline.created_at,
    pipeline.started_at,
    pipeline.finished_at,
    TRUE AS is_valid
FROM public.pipeline
LEFT JOIN public."order" AS ordered ON pipeline.order_id = ordered.id
WHERE pipeline.created_at >= %(from)s AND pipeline.created_at < %(to)s
