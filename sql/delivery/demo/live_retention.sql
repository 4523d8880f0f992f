-- The service's own retention; pipelines, stages and deliveries go with their order.
DELETE FROM public."order"
WHERE registered_at < clock_timestamp() - interval '365 days'
