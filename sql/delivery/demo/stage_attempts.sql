-- One attempt more: the first one of each order, or a restart of what failed or was cancelled. Of four in five orders
-- the first attempt succeeds; cancelling is possible in the first two stages only.
INSERT INTO generated_pipeline
SELECT
    before.number,
    %(attempt)s,
    pg_temp.identifier('pipeline', before.number * 10 + %(attempt)s),
    before.order_id,
    decided.outcome,
    CASE decided.outcome
        WHEN 'succeeded' THEN 5
        WHEN 'canceled' THEN 1 + floor(2 * pg_temp.unit(before.number, 20 + %(attempt)s))::integer
        WHEN 'failed' THEN 2 + floor(4 * pg_temp.unit(before.number, 20 + %(attempt)s))::integer
        ELSE 1 + floor(5 * pg_temp.unit(before.number, 20 + %(attempt)s))::integer
    END,
    before.created_at,
    NULL
FROM (
    SELECT
        number,
        id AS order_id,
        registered_at + interval '1 millisecond' * (1 + floor(40 * pg_temp.unit(number, 10))) AS created_at
    FROM generated_order
    WHERE %(attempt)s = 1
    UNION ALL
    SELECT
        number,
        order_id,
        date_trunc(
            'milliseconds', ended_at + interval '3 days' * pg_temp.unit(number, 10 + %(attempt)s) ^ 4
        ) AS created_at
    FROM generated_pipeline
    WHERE
        attempt = %(attempt)s - 1
        AND outcome IN ('failed', 'canceled')
        AND pg_temp.unit(number, 30 + %(attempt)s) < 0.6
) AS before, LATERAL (
        SELECT
            CASE
                WHEN pg_temp.unit(before.number, 40 + %(attempt)s) < 0.80 THEN 'succeeded'
                WHEN pg_temp.unit(before.number, 40 + %(attempt)s) < 0.89 THEN 'failed'
                WHEN pg_temp.unit(before.number, 40 + %(attempt)s) < 0.96 THEN 'canceled'
                WHEN pg_temp.unit(before.number, 40 + %(attempt)s) < 0.98 THEN 'pending'
                ELSE 'in_progress'
            END AS outcome
    ) AS decided
WHERE before.created_at < %(until)s
