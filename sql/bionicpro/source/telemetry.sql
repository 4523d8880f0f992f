SELECT
    actions.id,
    actions.user_id,
    coalesce(actions.prosthesis_id, '') AS prosthesis_id,
    actions.created_at,
    actions.response_time_ms,
    actions.action_type,
    actions.battery_level,
    actions.duration_seconds
FROM ({actions}) AS actions
WHERE NOT actions.is_row_rejected
