-- A row comes with the estimate, or before it where that failed or is under way: then without a cost.
INSERT INTO public.delivery (pipeline_id, cost, estimated_at, performer_id, assigned_at, released_at)
SELECT
    attempted.id,
    CASE
        WHEN estimated.finished_at IS NOT NULL
            THEN round(
                    greatest(
                        100 * pg_temp.unit(attempted.number, 61),
                        (1 + 74999 * pg_temp.unit(attempted.number, 62))
                        * (0.05 + 0.05 * pg_temp.unit(attempted.number, 63))
                        * (0.5 + 2 * pg_temp.unit(attempted.number * 10 + attempted.attempt, 64))
                    )::numeric, 2
                )::double precision
    END,
    estimated.finished_at,
    CASE
        WHEN assigned.finished_at IS NOT NULL
            THEN pg_temp.identifier(
                    'performer',
                    floor(%(performers)s * pg_temp.unit(attempted.number * 10 + attempted.attempt, 65) ^ 1.5)::bigint
                )
    END,
    assigned.finished_at,
    CASE
        WHEN released.status = 'succeeded' THEN released.finished_at
        -- A delivery that failed on the way: of every other one the performer is never released.
        WHEN attempted.outcome = 'failed' AND attempted.last_stage = 4 AND pg_temp.unit(attempted.number, 66) < 0.5
            THEN attempted.ended_at + interval '1 second'
    END
FROM generated_pipeline AS attempted
INNER JOIN generated_stage AS estimating ON attempted.id = estimating.pipeline_id AND estimating.place = 2
LEFT JOIN generated_stage AS estimated
    ON attempted.id = estimated.pipeline_id AND estimated.place = 2 AND estimated.status = 'succeeded'
LEFT JOIN generated_stage AS assigned
    ON attempted.id = assigned.pipeline_id AND assigned.place = 3 AND assigned.status = 'succeeded'
LEFT JOIN generated_stage AS released ON attempted.id = released.pipeline_id AND released.place = 5
