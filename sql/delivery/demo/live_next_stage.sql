INSERT INTO public.stage (id, pipeline_id, name, status, created_at)
VALUES (%(stage_id)s, %(pipeline_id)s, %(name)s, 'pending', clock_timestamp())
