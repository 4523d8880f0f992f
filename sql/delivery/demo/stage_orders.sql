-- Orders of the days before `until`, most of them about noon; a few addresses and types are the popular ones. Every
-- hundredth order shares its moment with the one before it, and some types are awkward texts.
-- A number stands for a day and a place in it, so what is generated again, for more days or more orders, has the same
-- ids at the same times.
CREATE TEMPORARY TABLE generated_order ON COMMIT DROP AS
SELECT
    n AS number,
    pg_temp.identifier('order', n) AS id,
    pg_temp.identifier('address', floor(120 * pg_temp.unit(n, 1) ^ 2)::bigint) AS source_address_id,
    pg_temp.identifier('address', floor(150 * pg_temp.unit(n, 2) ^ 2)::bigint) AS target_address_id,
    CASE
        WHEN pg_temp.unit(n, 3) < 0.30 THEN NULL
        WHEN pg_temp.unit(n, 3) < 0.60 THEN 'standard'
        WHEN pg_temp.unit(n, 3) < 0.80 THEN 'express'
        WHEN pg_temp.unit(n, 3) < 0.97 THEN 'fragile'
        WHEN pg_temp.unit(n, 3) < 0.98 THEN ''
        WHEN pg_temp.unit(n, 3) < 0.99 THEN E'leave at the door\n\t"gate \\N 7", ключ у соседей'
        ELSE '\N'
    END AS extra,
    timestamptz '1970-01-01 00:00:00+00' + interval '1 day' * day
    + interval '1 millisecond' * floor(43200000 * (pg_temp.unit(moment, 5) + pg_temp.unit(moment, 6)))
    + interval '1 microsecond' * mod(moment, 3) AS registered_at
FROM (
    SELECT
        %(first_day)s + place / %(orders_a_day)s AS day,
        (%(first_day)s + place / %(orders_a_day)s) * 1000000 + mod(place, %(orders_a_day)s) AS n,
        (%(first_day)s + place / %(orders_a_day)s) * 1000000 + mod(place, %(orders_a_day)s)
        - CASE WHEN mod(mod(place, %(orders_a_day)s), 100) = 99 THEN 1 ELSE 0 END AS moment
    FROM generate_series(0, %(orders)s::bigint - 1) AS place
) AS numbered
