-- A user's days, each with some actions. What a value is depends on day, user and action only. One action in fifty
-- lacks a value; one in some thousands has a value that no sensor gives.
WITH days AS (
    SELECT
        users.user_id,
        days.day,
        concat_ws('-', users.user_id, days.day) AS name
    FROM generate_series(1, %(users)s) AS users (user_id)
    CROSS JOIN generate_series(%(first)s::date, %(last)s::date, interval '1 day') AS days (day)
),

actions AS (
    SELECT
        days.user_id,
        days.day,
        actions.number,
        concat_ws('-', days.name, actions.number) AS name
    FROM days
    CROSS JOIN LATERAL generate_series(1, 5 + floor(pg_temp.unit(days.name || 'n') * 12)::integer) AS actions (number)
    WHERE pg_temp.unit(days.name) >= 0.08
)

INSERT INTO telemetry_data (
    user_id, prosthesis_id, created_at, response_time_ms, action_type, battery_level, duration_seconds
)
SELECT
    actions.user_id,
    'PROT-' || to_char(actions.user_id, 'FM000')
    || CASE WHEN actions.user_id %% 10 = 0 AND actions.number %% 3 = 0 THEN '-B' ELSE '' END AS prosthesis_id,
    actions.day
    + interval '6 hours'
    + interval '16 hours' * pg_temp.unit(actions.name || 't') AS created_at,
    CASE
        WHEN pg_temp.unit(actions.name || 'r') < 0.00005 THEN 'NaN'
        WHEN pg_temp.unit(actions.name || 'r') < 0.02 THEN NULL
        ELSE round((55 + actions.user_id %% 7 * 5 + 60 * pg_temp.unit(actions.name || 'r'))::numeric, 1)
    END AS response_time_ms,
    (ARRAY['grasp', 'grasp', 'release', 'release', 'flex', 'other'])[
        1 + floor(6 * pg_temp.unit(actions.name || 'a'))::integer
    ] AS action_type,
    CASE
        WHEN pg_temp.unit(actions.name || 'b') < 0.02 THEN NULL
        ELSE round((100 - 4 * actions.number - 8 * pg_temp.unit(actions.name || 'b'))::numeric, 1)
    END AS battery_level,
    CASE
        WHEN pg_temp.unit(actions.name || 'd') < 0.0001 THEN -1
        WHEN pg_temp.unit(actions.name || 'd') < 0.02 THEN NULL
        ELSE 5 + floor(170 * pg_temp.unit(actions.name || 'd'))
    END AS duration_seconds
FROM actions
ORDER BY created_at, actions.user_id, actions.number
