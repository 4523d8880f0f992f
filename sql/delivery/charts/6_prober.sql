-- What the prober asks of the service
-- What succeeded and what failed, by the hour, in the 3 days up to the newest sample.
-- @engine clickhouse
-- @kind lines
-- @unit requests
SELECT
    toStartOfHour(at) AS hour,
    sum(increase) AS requests,
    replaceAll(replaceOne(replaceOne(metric, 'prober_', ''), '_total', ''), '_', ' ') AS counter
FROM dds.fact_metrics
WHERE
    match(metric, '_(success|fail)_total$')
    AND at >= (SELECT max(newest.at) - toIntervalDay(3) FROM dds.fact_metrics AS newest)
GROUP BY hour, counter
ORDER BY hour, counter
