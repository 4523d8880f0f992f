SELECT
    json_build_object('stage_id', id, 'status', status, 'message', message) AS payload,
    finished_at
FROM stage
WHERE status IN ('succeeded', 'failed', 'canceled') AND finished_at IS NOT NULL
ORDER BY finished_at, id
