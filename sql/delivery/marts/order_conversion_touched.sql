-- The days of registration that the window's orders and pipelines belong to, and the window's own days that were made
-- before: the last order of one may have moved to another day.
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
    SELECT toDate(assumeNotNull(facts.order_registered_at)) AS day
    FROM dds.fact_pipelines AS facts
    WHERE
        facts.created_at >= {start:DateTime64(6, 'UTC')}
        AND facts.created_at < {end:DateTime64(6, 'UTC')}
        AND facts.order_registered_at IS NOT NULL
    UNION DISTINCT
    SELECT published.day AS day
    FROM delivery_marts.order_conversion AS published
    WHERE
        published.day >= toDate({start:DateTime64(6, 'UTC')})
        AND published.day < toDate({end:DateTime64(6, 'UTC')})
) AS days
