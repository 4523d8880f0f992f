-- Some of the stages that are waiting or under way, as lots fall; the newest of them first in line.
SELECT
    stage_id,
    pipeline_id,
    name,
    status
FROM (
    SELECT
        stage.id::text AS stage_id,
        stage.pipeline_id::text AS pipeline_id,
        stage.name,
        stage.status
    FROM public.stage
    WHERE stage.status IN ('pending', 'in_progress')
    ORDER BY stage.created_at DESC
    LIMIT 300
) AS unfinished
ORDER BY random()
LIMIT %(limit)s
