UPDATE public.delivery SET performer_id = %(performer_id)s, assigned_at = clock_timestamp()
WHERE pipeline_id = %(pipeline_id)s
