SELECT
    id,
    pipeline_id,
    name,
    status,
    message,
    created_at,
    started_at,
    finished_at
FROM ods.stages
WHERE created_at >= %(start)s AND created_at < %(end)s
