WITH started AS (
    UPDATE public.stage SET status = 'in_progress', started_at = clock_timestamp()
    WHERE id = %(stage_id)s
    RETURNING pipeline_id
)

UPDATE public.pipeline
SET status = 'in_progress', started_at = coalesce(pipeline.started_at, clock_timestamp())
FROM started
WHERE pipeline.id = started.pipeline_id
