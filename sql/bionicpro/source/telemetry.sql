SELECT
    telemetry.id::bigint AS id,
    telemetry.user_id::integer AS user_id,
    telemetry.prosthesis_id::text AS prosthesis_id,
    (telemetry.created_at AT TIME ZONE %(zone)s) AS created_at,
    telemetry.response_time_ms::double precision AS response_time_ms,
    telemetry.action_type::text AS action_type,
    telemetry.battery_level::double precision AS battery_level,
    telemetry.duration_seconds::integer AS duration_seconds
FROM telemetry_data AS telemetry
WHERE
    telemetry.created_at >= %(from_local)s
    AND telemetry.created_at < %(to_local)s
    AND (
        %(is_exact)s
        OR (
            (telemetry.created_at AT TIME ZONE %(zone)s) >= %(from)s
            AND (telemetry.created_at AT TIME ZONE %(zone)s) < %(to)s
        )
    )
