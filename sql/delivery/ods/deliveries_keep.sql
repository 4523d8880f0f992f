-- What the source no longer has was deleted by its retention: the warehouse keeps it. A row beyond the bound of this
-- read may still be there.
SELECT
    published.pipeline_id,
    published.cost,
    published.estimated_at,
    published.performer_id,
    published.assigned_at,
    published.released_at,
    published.created_at,
    published.order_id,
    published.order_type,
    published.status,
    published.source_cost,
    published.source_times,
    published.load_timestamp,
    published.is_valid AND published.created_at >= %(bound)s AS is_valid
FROM ods.deliveries AS published
WHERE
    published.created_at >= %(start)s
    AND published.created_at < %(end)s
    AND NOT EXISTS (SELECT 1 FROM {staged} AS staged WHERE staged.pipeline_id = published.pipeline_id)
