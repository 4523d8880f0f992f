INSERT INTO public.pipeline (id, order_id, status, message, created_at, started_at, finished_at)
SELECT
    id,
    order_id,
    CASE WHEN outcome = 'pending' AND last_stage > 1 THEN 'in_progress' ELSE outcome END,
    CASE outcome WHEN 'failed' THEN 'stage ' || last_stage || ' failed' WHEN 'canceled' THEN 'by the customer' END,
    created_at,
    CASE WHEN outcome <> 'pending' OR last_stage > 1 THEN created_at + interval '1 millisecond' END,
    CASE WHEN outcome IN ('succeeded', 'failed', 'canceled') THEN ended_at END
FROM generated_pipeline
