INSERT INTO ops.appended_days AS noted (asset, day, log_id)
SELECT DISTINCT
    %(asset)s,
    ({column} AT TIME ZONE 'UTC')::date,
    %(load_id)s::bigint
FROM {stage}
WHERE isfinite({column})
ON CONFLICT (asset, day) DO UPDATE SET log_id = excluded.log_id
