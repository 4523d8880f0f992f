-- A day of pipelines is read by this index. The service has none that would serve.
CREATE INDEX IF NOT EXISTS pipeline_created_at ON public.pipeline (created_at)
