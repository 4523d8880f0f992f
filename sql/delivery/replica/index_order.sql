CREATE INDEX IF NOT EXISTS order_registered_at ON public."order" (registered_at)
