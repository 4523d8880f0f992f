INSERT INTO public.stage (id, pipeline_id, name, status, message, created_at, started_at, finished_at)
SELECT
    id,
    pipeline_id,
    name,
    status,
    CASE status WHEN 'failed' THEN name || ': 404 Not Found' WHEN 'canceled' THEN 'by the customer' END,
    created_at,
    CASE WHEN status <> 'pending' THEN created_at + waited END,
    CASE WHEN status IN ('succeeded', 'failed', 'canceled') THEN finished_at END
FROM generated_stage
