-- The newest row of the tables whose times say to which day a row belongs: an index look-up for each.
SELECT
    greatest(
        (SELECT max(registered_at) FROM public."order"),
        (SELECT max(created_at) FROM public.pipeline),
        (SELECT max(created_at) FROM public.stage)
    ) AS moment
