-- The stages of each attempt, one after another. The last one has the attempt's outcome.
CREATE TEMPORARY TABLE generated_stage ON COMMIT DROP AS
SELECT
    attempted.id AS pipeline_id,
    span.number AS place,
    pg_temp.identifier('stage', (attempted.number * 10 + attempted.attempt) * 10 + span.number) AS id,
    span.name,
    CASE WHEN span.number < attempted.last_stage THEN 'succeeded' ELSE attempted.outcome END AS status,
    attempted.created_at + coalesce(sum(lasting.time) OVER stages_before, interval '0') AS created_at,
    attempted.created_at + coalesce(sum(lasting.time) OVER stages_before, interval '0') + lasting.time AS finished_at,
    lasting.time * 0.01 AS waited
FROM generated_pipeline AS attempted
INNER JOIN (
    VALUES
    (1, 'start_pipeline', 0.01, 0.5),
    (2, 'estimate_cost', 0.2, 3),
    (3, 'assign_performer', 1, 120),
    (4, 'perform_delivery', 300, 7200),
    (5, 'release_performer', 0.05, 2)
) AS span (number, name, shortest, spread) ON attempted.last_stage >= span.number
CROSS JOIN
    LATERAL (
        SELECT
            interval '1 millisecond' * floor(
                1000 * span.shortest + 1000 * span.spread
                * pg_temp.unit(attempted.number * 10 + attempted.attempt, 50 + span.number) ^ 2
            ) AS time
    ) AS lasting
WINDOW stages_before AS (
    PARTITION BY attempted.id ORDER BY span.number ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
)
