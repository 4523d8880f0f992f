SELECT
    id,
    order_id,
    order_registered_at,
    status,
    message,
    created_at,
    started_at,
    finished_at
FROM ods.pipelines
WHERE created_at >= %(start)s AND created_at < %(end)s
