-- The same figures as checks/telemetry_checksum.sql gives for the same rows: a sum does not depend on their order.
SELECT
    count(*) AS rows_counted,
    coalesce(sum(('x' || left(md5(concat_ws(
        '|',
        telemetry.id,
        telemetry.user_id,
        telemetry.prosthesis_id,
        to_char((telemetry.created_at AT TIME ZONE %(zone)s) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'),
        coalesce(encode(float8send(telemetry.response_time_ms::double precision), 'hex'), '~'),
        coalesce(telemetry.action_type, '~'),
        coalesce(encode(float8send(telemetry.battery_level::double precision), 'hex'), '~'),
        coalesce(telemetry.duration_seconds::text, '~')
    )), 15))::bit(60)::bigint::numeric), 0) AS checksum
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
