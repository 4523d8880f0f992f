-- Another pipeline of an order whose last one has just failed or was cancelled.
WITH attempted AS (
    INSERT INTO public.pipeline (id, order_id, status, created_at)
    SELECT
        %(new_pipeline_id)s,
        order_id,
        'pending',
        clock_timestamp()
    FROM public.pipeline
    WHERE id = %(pipeline_id)s
    RETURNING id
)

INSERT INTO public.stage (id, pipeline_id, name, status, created_at)
SELECT
    %(stage_id)s,
    id,
    'start_pipeline',
    'pending',
    clock_timestamp()
FROM attempted
