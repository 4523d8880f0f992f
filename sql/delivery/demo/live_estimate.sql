INSERT INTO public.delivery (pipeline_id, cost, estimated_at)
VALUES (%(pipeline_id)s, %(cost)s, clock_timestamp())
ON CONFLICT (pipeline_id) DO UPDATE SET cost = excluded.cost, estimated_at = excluded.estimated_at
