-- Every version of contextData and docIds: mostly what a healthy application writes, and each way to be unhealthy.
-- "body" is what the JSON is like, "carrier" where the engine keeps it.
CREATE TEMP TABLE generated_detail ON COMMIT DROP AS
WITH slots AS (
    -- How often a body occurs, of 200 times. The first 200 variables of a name take one slot each, so that every body
    -- is there in a small history too.
    SELECT name, array_agg(body ORDER BY place, body) AS bodies
    FROM (
        VALUES
        ('contextData', 1, 'good', 176), ('contextData', 2, 'cut', 6), ('contextData', 3, 'other_shape', 4),
        ('contextData', 4, 'empty_string', 2), ('contextData', 5, 'null', 2), ('contextData', 6, 'serialized', 3),
        ('contextData', 7, 'not_utf8', 2), ('contextData', 8, 'unstorable', 3), ('contextData', 9, 'purged', 2),
        ('docIds', 1, 'good', 160), ('docIds', 2, 'cut', 6), ('docIds', 3, 'other_shape', 4),
        ('docIds', 4, 'no_key', 4), ('docIds', 5, 'not_a_list', 4), ('docIds', 6, 'id_missing', 4),
        ('docIds', 7, 'id_number', 4), ('docIds', 8, 'id_empty', 2), ('docIds', 9, 'mixed', 3),
        ('docIds', 10, 'empty_string', 2), ('docIds', 11, 'null', 2), ('docIds', 12, 'serialized', 1),
        ('docIds', 13, 'not_utf8', 1), ('docIds', 14, 'unstorable', 2), ('docIds', 15, 'purged', 1)
    ) AS weight (name, place, body, times)
    CROSS JOIN LATERAL generate_series(1, times)
    GROUP BY name
),

version AS (
    SELECT
        variable.*,
        n AS version,
        n = versions AND is_removed AS is_removal,
        n - (n = versions AND is_removed)::int AS value_version
    FROM generated_variable AS variable
    CROSS JOIN LATERAL generate_series(1, variable.versions) AS n
    WHERE variable.wanted_name IS NOT NULL
),

keyed AS (
    SELECT
        version.*,
        variable_no * 4096 + value_version AS key,
        -- An update mostly keeps the form of its variable, and sometimes changes it, type and all.
        CASE WHEN value_version > 1 AND pg_temp.pick(variable_no * 4096 + value_version, 20, 10) = 0
                THEN variable_no * 4096 + value_version
            ELSE variable_no
        END AS form
    FROM version
),

formed AS (
    SELECT
        keyed.*,
        slots.bodies[1 + CASE
            WHEN place < 200 AND scope = 'process' AND value_version = 1 THEN 199 - place
            ELSE pg_temp.pick(form, 21, 200)
        END] AS body,
        CASE
            WHEN pg_temp.unit(form, 22) < %(text_share)s THEN 'text'
            WHEN pg_temp.pick(form, 38, 2) = 0 THEN 'json'
            ELSE 'object'
        END AS usual_carrier
    FROM keyed
    INNER JOIN slots ON slots.name = keyed.wanted_name
),

-- Materialised: else each of its uses below would build the text anew.
written AS MATERIALIZED (
    SELECT
        formed.*,
        CASE
            WHEN body IN ('empty_string', 'null', 'serialized') THEN body
            WHEN body IN ('not_utf8', 'purged') THEN 'json'
            ELSE usual_carrier
        END AS carrier,
        CASE
            WHEN body IN ('empty_string', 'null', 'serialized') THEN NULL
            WHEN body = 'other_shape'
                THEN (ARRAY['[]', '["a", "b"]', '"none"', '42', 'null', 'true'])[1 + pg_temp.pick(key, 23, 6)]
            -- Valid by the grammar, and yet nothing that a jsonb column can hold.
            WHEN body = 'unstorable'
                THEN (ARRAY[
                    '{"note": "ends with \u0000"}', '{"note": "half a pair \ud83d"}', '{"amount": 1e999999}'
                ])[1 + pg_temp.pick(key, 24, 3)]
            WHEN wanted_name = 'contextData' THEN pg_temp.context_data(instance_no, value_version, key)
            ELSE pg_temp.doc_ids(body, key)
        END AS whole
    FROM formed
),

cut AS MATERIALIZED (
    SELECT
        written.*,
        CASE WHEN body = 'cut' THEN left(whole, (length(whole) * 0.6)::int) ELSE whole END AS json
    FROM written
)

SELECT
    variable_no,
    version,
    is_removal,
    version = versions - is_removed::int AS is_current,
    body,
    carrier,
    wanted_name = 'docIds' AND body = 'good' AND json = '{"report.AttachedDocuments": []}' AS has_no_documents,
    date_trunc('milliseconds', first_set + (last_set - first_set)
    -- One in eight was set in the same command as the version before it, and has its time.
    * (version - 1 - (version > 1 AND pg_temp.pick(variable_no * 4096 + version, 37, 8) = 0)::int) / versions)
    AT TIME ZONE %(zone)s AS time_,
    CASE
        WHEN carrier IN ('text', 'empty_string') THEN 'string' WHEN carrier = 'serialized' THEN 'object' ELSE carrier
    END AS var_type,
    CASE WHEN is_removal THEN NULL WHEN carrier = 'text' THEN json WHEN carrier = 'empty_string' THEN '' END AS text_,
    CASE
        WHEN is_removal THEN NULL
        WHEN carrier = 'empty_string' THEN '!emptyString!'
        WHEN carrier = 'serialized' THEN 'java.util.HashMap'
        WHEN carrier = 'object' AND wanted_name = 'docIds' THEN 'com.example.AttachedDocuments'
        WHEN carrier = 'object' THEN 'com.example.ApplicationContext'
    END AS text2_,
    NULL::bigint AS long_,
    NULL::double precision AS double_,
    CASE
        WHEN is_removal THEN NULL
        WHEN body = 'not_utf8'
            THEN convert_to('{"client": {"name": "', 'UTF8') || '\xfcff00'::bytea || convert_to('"}}', 'UTF8')
        WHEN carrier IN ('json', 'object') THEN convert_to(json, 'UTF8')
        -- The start of a serialised java.util.HashMap.
        WHEN carrier = 'serialized'
            THEN '\xaced0005737200116a6176612e7574696c2e486173684d6170'::bytea || decode(md5(key::text), 'hex')
    END AS bytes
FROM cut
