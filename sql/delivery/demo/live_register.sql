-- One order more, with its first pipeline and that one's first stage, all of them waiting.
WITH registered AS (
    INSERT INTO public."order" (id, source_address_id, target_address_id, extra, registered_at)
    VALUES (%(order_id)s, %(source)s, %(target)s, %(extra)s, clock_timestamp())
    RETURNING id
),

attempted AS (
    INSERT INTO public.pipeline (id, order_id, status, created_at)
    SELECT
        %(pipeline_id)s,
        id,
        'pending',
        clock_timestamp()
    FROM registered
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
