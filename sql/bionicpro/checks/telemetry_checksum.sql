-- The same figures as source/telemetry_checksum.sql gives for the same rows: a sum does not depend on their order.
WITH actions AS (
    SELECT
        arrayStringConcat(
            [
                toString(id),
                toString(user_id),
                prosthesis_id,
                toString(created_at),
                coalesce(leftPad(lower(hex(reinterpretAsUInt64(response_time_ms))), 16, '0'), '~'),
                coalesce(action_type, '~'),
                coalesce(leftPad(lower(hex(reinterpretAsUInt64(battery_level))), 16, '0'), '~'),
                coalesce(toString(duration_seconds), '~')
            ],
            '|'
        ) AS said
    FROM bionicpro_raw.telemetry
    WHERE created_at >= {start:DateTime64(6, 'UTC')} AND created_at < {end:DateTime64(6, 'UTC')}
)

SELECT
    count() AS rows_counted,
    sum(toUInt128(bitShiftRight(reinterpretAsUInt64(reverse(substring(MD5(said), 1, 8))), 4))) AS checksum
FROM actions
