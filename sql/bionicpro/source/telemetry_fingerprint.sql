-- The data version of a window: rows, and a checksum of every stored column that does not depend on the rows' order;
-- the same of what is rejected, if anything is. raw/telemetry_fingerprint.sql gives the same text for the same rows.
-- A value is =text, NULL is ~; ! and | of a text are escaped, so no two rows have one text.
SELECT
    concat_ws(
        '; ',
        concat(
            count(*) FILTER (WHERE NOT actions.is_row_rejected),
            ' ',
            coalesce(sum(('x' || left(md5(convert_to(concat_ws(
                '|',
                actions.id,
                actions.user_id,
                '=' || replace(replace(coalesce(actions.prosthesis_id, ''), '!', '!!'), '|', '!p'),
                encode(timestamptz_send(actions.created_at), 'hex'),
                CASE
                    WHEN actions.response_time_ms = 'NaN' THEN 'nan'
                    ELSE coalesce(encode(float8send(actions.response_time_ms), 'hex'), '~')
                END,
                coalesce('=' || replace(replace(actions.action_type, '!', '!!'), '|', '!p'), '~'),
                CASE
                    WHEN actions.battery_level = 'NaN' THEN 'nan'
                    ELSE coalesce(encode(float8send(actions.battery_level), 'hex'), '~')
                END,
                coalesce(actions.duration_seconds::text, '~')
            ), 'UTF8')), 15))::bit(60)::bigint) FILTER (WHERE NOT actions.is_row_rejected), 0)
        ),
        nullif(
            concat(
                count(*) FILTER (WHERE actions.is_rejected),
                ' rejected ',
                sum(
                    CASE
                        WHEN actions.is_rejected
                            THEN ('x' || left(md5(convert_to(actions.payload, 'UTF8')), 15))::bit(60)::bigint
                    END
                )
            ),
            '0 rejected '
        )
    ) AS fingerprint
FROM ({actions}) AS actions
