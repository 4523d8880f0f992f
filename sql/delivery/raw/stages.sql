SELECT
    id,
    pipeline_id,
    name::text AS name,
    status::text AS status,
    message::text AS message,
    created_at,
    started_at,
    finished_at,
    TRUE AS is_valid
FROM public.stage
WHERE created_at >= %(from)s AND created_at < %(to)s
