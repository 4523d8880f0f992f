SELECT
    (SELECT count(*) FROM public."order") AS orders,
    (SELECT count(*) FROM public.pipeline) AS pipelines,
    (SELECT count(*) FROM public.stage) AS stages,
    (SELECT count(*) FROM public.delivery) AS deliveries
