-- The service fetches its prices every few hours.
INSERT INTO public.config (id, min_cost, rubles_per_meter, fetched_at)
SELECT
    pg_temp.identifier('config', n),
    round((100 * pg_temp.unit(n, 70))::numeric, 2)::double precision,
    0.05 + 0.05 * pg_temp.unit(n, 71),
    timestamptz '1970-01-01 00:00:00+00' + interval '6 hours' * n
FROM generate_series(%(first_day)s * 4::bigint, (%(first_day)s + %(days)s) * 4 - 1) AS n
