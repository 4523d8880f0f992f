-- When the attempt's last stage ends: what stage_stages.sql makes of the same fractions.
UPDATE generated_pipeline AS attempted
SET
    ended_at = attempted.created_at + (
        SELECT
            sum(interval '1 millisecond' * floor(
                1000 * span.shortest + 1000 * span.spread
                * pg_temp.unit(attempted.number * 10 + attempted.attempt, 50 + span.number) ^ 2
            ))
        FROM (VALUES (1, 0.01, 0.5), (2, 0.2, 3), (3, 1, 120), (4, 300, 7200), (5, 0.05, 2))
                AS span (number, shortest, spread)
        WHERE span.number <= attempted.last_stage
    )
WHERE attempted.attempt = %(attempt)s
