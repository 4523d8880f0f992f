-- How long it takes to create an order
-- The prober's gauge by the hour: the mean and the longest, in the 3 days up to the newest sample.
-- @engine clickhouse
-- @kind lines
-- @unit s
SELECT
    hour,
    part.2 AS seconds,
    part.1 AS measure
FROM (
    SELECT
        toStartOfHour(at) AS hour,
        avgIf(value, isFinite(value)) AS mean,
        maxIf(value, isFinite(value)) AS longest
    FROM dds.fact_metrics
    WHERE
        metric = 'prober_create_orders_duration_seconds'
        AND at >= (SELECT max(newest.at) - toIntervalDay(3) FROM dds.fact_metrics AS newest)
    GROUP BY hour
) AS hours
ARRAY JOIN [('mean', mean), ('longest', longest)] AS part
ORDER BY hour, measure
