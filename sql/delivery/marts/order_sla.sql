-- A time that ends before it begins is not counted. Times are whole microseconds until the last division, so that they
-- do not depend on the order of the rows.
SELECT
    toDate(timed.created_at) AS day,
    timed.name AS stage,
    count() AS stages_count,
    countIf(timed.status = 'succeeded') AS succeeded,
    countIf(timed.status = 'failed') AS failed,
    countIf(timed.status = 'canceled') AS cancelled,
    countIf(timed.status IN ('pending', 'in_progress')) AS unfinished,
    sum(timed.waited) / nullIf(count(timed.waited), 0) / 1e6 AS avg_wait_seconds,
    sum(timed.took) / nullIf(count(timed.took), 0) / 1e6 AS avg_seconds,
    quantileExactOrNull(0.5) (timed.took) / 1e6 AS p50_seconds,
    quantileExactOrNull(0.9) (timed.took) / 1e6 AS p90_seconds,
    quantileExactOrNull(0.95) (timed.took) / 1e6 AS p95_seconds,
    quantileExactOrNull(0.99) (timed.took) / 1e6 AS p99_seconds,
    max(timed.took) / 1e6 AS max_seconds
FROM (
    SELECT
        facts.created_at AS created_at,
        facts.name AS name,
        facts.status AS status,
        if(
            facts.started_at >= facts.created_at,
            toUnixTimestamp64Micro(facts.started_at) - toUnixTimestamp64Micro(facts.created_at),
            NULL
        ) AS waited,
        if(
            facts.status = 'succeeded' AND facts.finished_at >= facts.started_at,
            toUnixTimestamp64Micro(facts.finished_at) - toUnixTimestamp64Micro(facts.started_at),
            NULL
        ) AS took
    FROM dds.fact_stages AS facts
    WHERE
        facts.created_at >= {start:DateTime64(6, 'UTC')}
        AND facts.created_at < {end:DateTime64(6, 'UTC')}
) AS timed
GROUP BY day, stage
