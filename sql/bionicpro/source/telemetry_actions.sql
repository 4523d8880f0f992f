-- A window's rows, typed as the raw table has them. A value that its column cannot hold is NULL, and the row says so.
-- Of rows with one id, the first of `one_id` arrives: the newest one, then the greatest by its other values.
SELECT
    known.*,
    known.is_unfit OR known.place_of_id > 1 AS is_row_rejected,
    known.is_unfit OR known.lacks_value OR known.place_of_id > 1 AS is_rejected
FROM (
    SELECT
        given.*,
        {place} AS place_of_id
    FROM (
        SELECT
            typed.*,
            typed.id IS NULL OR typed.user_id IS NULL AS is_unfit,
            typed.prosthesis_id IS NULL
            OR (typed.response_time_ms IS NULL AND typed.given_response_time IS NOT NULL)
            OR (typed.battery_level IS NULL AND typed.given_battery_level IS NOT NULL)
            OR (typed.duration_seconds IS NULL AND typed.given_duration IS NOT NULL) AS lacks_value,
            jsonb_build_object(
                'id', typed.given_id,
                'user_id', typed.given_user,
                'prosthesis_id', typed.prosthesis_id,
                'created_at', typed.given_time,
                'response_time_ms', typed.given_response_time,
                'action_type', typed.action_type,
                'battery_level', typed.given_battery_level,
                'duration_seconds', typed.given_duration
            )::text AS payload
        FROM (
            SELECT
                telemetry.prosthesis_id::text AS prosthesis_id,
                telemetry.action_type::text AS action_type,
                telemetry.id AS given_id,
                telemetry.user_id AS given_user,
                telemetry.response_time_ms AS given_response_time,
                telemetry.battery_level AS given_battery_level,
                telemetry.duration_seconds AS given_duration,
                telemetry.created_at AS given_time,
                (telemetry.created_at AT TIME ZONE %(zone)s) AS created_at,
                CASE
                    WHEN
                        telemetry.id BETWEEN -9223372036854775807 AND 9223372036854775807
                        AND telemetry.id = trunc(telemetry.id)
                        THEN telemetry.id::bigint
                END AS id,
                CASE
                    WHEN
                        telemetry.user_id BETWEEN -2147483648 AND 2147483647
                        AND telemetry.user_id = trunc(telemetry.user_id)
                        THEN telemetry.user_id::integer
                END AS user_id,
                CASE
                    -- A numeric may be beyond a double, or nearer to 0 than one can be: a cast would be an error.
                    WHEN
                        pg_typeof(telemetry.response_time_ms) <> 'numeric'::regtype
                        OR telemetry.response_time_ms = 0
                        OR abs(telemetry.response_time_ms) BETWEEN 5e-324 AND 1.7976931348623157e308
                        THEN telemetry.response_time_ms::double precision
                END AS response_time_ms,
                CASE
                    WHEN
                        pg_typeof(telemetry.battery_level) <> 'numeric'::regtype
                        OR telemetry.battery_level = 0
                        OR abs(telemetry.battery_level) BETWEEN 5e-324 AND 1.7976931348623157e308
                        THEN telemetry.battery_level::double precision
                END AS battery_level,
                CASE
                    WHEN
                        telemetry.duration_seconds BETWEEN -2147483648 AND 2147483647
                        AND telemetry.duration_seconds = trunc(telemetry.duration_seconds)
                        THEN telemetry.duration_seconds::integer
                END AS duration_seconds
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
        ) AS typed
    ) AS given
    WINDOW
        one_id AS (
            PARTITION BY given.id, given.is_unfit
            ORDER BY
                given.created_at DESC,
                given.payload COLLATE "C" DESC,
                float8send(given.response_time_ms) DESC,
                float8send(given.battery_level) DESC
        )
) AS known
