SELECT
    json_build_object('pipeline_id', pipeline_id, 'stage_name', name) AS payload,
    created_at
FROM stage
ORDER BY created_at, id
