-- A day of stages is read by this index. The service has none that would serve.
CREATE INDEX IF NOT EXISTS stage_created_at ON public.stage (created_at)
