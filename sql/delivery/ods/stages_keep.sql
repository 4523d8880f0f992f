-- What the source no longer has was deleted by its retention: the warehouse keeps it. A row beyond the bound of this
-- read may still be there.
SELECT
    published.id,
    published.pipeline_id,
    published.name,
    published.status,
    published.message,
    published.created_at,
    published.started_at,
    published.finished_at,
    published.source_times,
    published.load_timestamp,
    published.is_valid AND published.created_at >= %(bound)s AS is_valid
FROM ods.stages AS published
WHERE
    published.created_at >= %(start)s
    AND published.created_at < %(end)s
    AND NOT EXISTS (SELECT 1 FROM {staged} AS staged WHERE staged.id = published.id)
