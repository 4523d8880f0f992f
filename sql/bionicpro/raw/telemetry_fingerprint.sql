-- The data version of a window's rows, as source/telemetry_fingerprint.sql gives it for the same rows.
WITH actions AS (
    SELECT
        arrayStringConcat(
            [
                toString(id),
                toString(user_id),
                concat('=', replaceAll(replaceAll(prosthesis_id, '!', '!!'), '|', '!p')),
                -- Microseconds since 2000, as Postgres sends them.
                leftPad(
                    lower(hex(reinterpretAsUInt64(toUnixTimestamp64Micro(created_at) - 946684800000000))), 16, '0'
                ),
                if(
                    isNaN(response_time_ms),
                    'nan',
                    coalesce(leftPad(lower(hex(reinterpretAsUInt64(response_time_ms))), 16, '0'), '~')
                ),
                coalesce(concat('=', replaceAll(replaceAll(action_type, '!', '!!'), '|', '!p')), '~'),
                if(
                    isNaN(battery_level),
                    'nan',
                    coalesce(leftPad(lower(hex(reinterpretAsUInt64(battery_level))), 16, '0'), '~')
                ),
                coalesce(toString(duration_seconds), '~')
            ],
            '|'
        ) AS said
    FROM {staged:Identifier}
    WHERE created_at >= {start:DateTime64(6, 'UTC')} AND created_at < {end:DateTime64(6, 'UTC')}
)

SELECT
    concat(
        toString(count()),
        ' ',
        toString(sum(toUInt128(bitShiftRight(reinterpretAsUInt64(reverse(substring(MD5(said), 1, 8))), 4))))
    ) AS fingerprint
FROM actions
