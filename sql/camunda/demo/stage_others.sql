-- Every version of the variables that nobody wants, of each type that the engine has.
INSERT INTO generated_detail
WITH version AS (
    SELECT
        variable.*,
        n AS version,
        n = versions AND is_removed AS is_removal,
        variable_no * 4096 + n AS key
    FROM generated_variable AS variable
    CROSS JOIN LATERAL generate_series(1, variable.versions) AS n
    WHERE variable.wanted_name IS NULL
),

number AS (
    SELECT
        version.*,
        CASE var_type
            WHEN 'boolean' THEN pg_temp.pick(key, 41, 2)
            WHEN 'short' THEN pg_temp.pick(key, 41, 5)
            WHEN 'integer' THEN pg_temp.pick(key, 41, 4294967296) - 2147483648
            WHEN 'long' THEN (pg_temp.pick(key, 41, 9223372036854775807) - 4611686018427387904) * 2
            -- Milliseconds since 1970: birthdays are before it.
            WHEN 'date' THEN pg_temp.pick(key, 41, 3000000000000) - 1000000000000
        END AS whole_number
    FROM version
)

SELECT
    variable_no,
    version,
    is_removal,
    version = versions - is_removed::int,
    'other',
    var_type,
    FALSE,
    date_trunc(
        'milliseconds', first_set + (last_set - first_set)
        * (version - 1 - (version > 1 AND pg_temp.pick(key, 37, 8) = 0)::int) / versions
    ) AT TIME ZONE %(zone)s,
    var_type,
    CASE
        WHEN is_removal THEN NULL
        WHEN var_type IN ('short', 'integer', 'long') THEN whole_number::text
        WHEN var_type = 'string' AND pg_temp.pick(key, 42, 25) = 0 THEN ''
        WHEN var_type = 'string' THEN left(
                'Schalter 4, "dringend"; weiter an Ирина. ' || md5(key::text), 5 + pg_temp.pick(key, 43, 60)::int
            )
    END,
    CASE
        WHEN is_removal THEN NULL
        WHEN var_type = 'string' AND pg_temp.pick(key, 42, 25) = 0 THEN '!emptyString!'
        WHEN var_type = 'object' THEN 'com.example.Client'
    END,
    CASE WHEN NOT is_removal THEN whole_number END,
    CASE WHEN NOT is_removal AND var_type = 'double' THEN (pg_temp.unit(key, 44) - 0.5) * 1e6 END,
    CASE
        WHEN is_removal THEN NULL
        WHEN var_type = 'json' THEN convert_to('{"status": 200, "id": "' || md5(key::text) || '"}', 'UTF8')
        WHEN var_type = 'xml' THEN convert_to('<request id="' || md5(key::text) || '"/>', 'UTF8')
        WHEN var_type = 'bytes' THEN decode(md5(key::text) || md5('s' || key), 'hex')
        WHEN var_type = 'object' THEN '\xaced00057372'::bytea || decode(md5(key::text), 'hex')
    END
FROM number
