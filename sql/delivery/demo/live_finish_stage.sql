UPDATE public.stage SET status = %(status)s, message = %(message)s, finished_at = clock_timestamp()
WHERE id = %(stage_id)s
