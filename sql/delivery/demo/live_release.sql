UPDATE public.delivery SET released_at = clock_timestamp()
WHERE pipeline_id = %(pipeline_id)s
