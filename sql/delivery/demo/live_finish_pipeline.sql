UPDATE public.pipeline SET status = %(status)s, message = %(message)s, finished_at = clock_timestamp()
WHERE id = %(pipeline_id)s
