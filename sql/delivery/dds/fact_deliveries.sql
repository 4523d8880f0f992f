SELECT
    pipeline_id,
    order_id,
    order_type,
    status,
    cost,
    estimated_at,
    performer_id,
    assigned_at,
    released_at,
    created_at
FROM ods.deliveries
WHERE created_at >= %(start)s AND created_at < %(end)s
