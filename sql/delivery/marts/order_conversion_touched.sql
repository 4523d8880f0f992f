-- The days of registration that the window's orders and pipelines belong to. Neither changes its day, and the
-- warehouse loses none of them, so there is none that they belonged to before.
SELECT
    day,
    true AS in_doubt
FROM (
    SELECT toDate(facts.registered_at) AS day
    FROM dds.fact_orders AS facts
    WHERE
        facts.registered_at >= {start:DateTime64(6, 'UTC')}
        AND facts.registered_at < {end:DateTime64(6, 'UTC')}
    UNION DISTINCT
    SELECT toDate(facts.order_registered_at) AS day
    FROM dds.fact_pipelines AS facts
    WHERE
        facts.created_at >= {start:DateTime64(6, 'UTC')}
        AND facts.created_at < {end:DateTime64(6, 'UTC')}
) AS days
