-- A time before 1970-01-02 or from 2100 on, such as a language's zero or a far end, is none: it is NULL, stays as it is
-- in source_times, and goes to quarantine. A row without a value that every stage has is refused (refused.sql).
SELECT
    id,
    pipeline_id,
    name::text AS name,
    status::text AS status,
    message::text AS message,
    created_at,
    CASE
        WHEN started_at >= '1970-01-02 00:00:00+00' AND started_at < '2100-01-01 00:00:00+00'
            THEN started_at
    END AS started_at,
    CASE
        WHEN finished_at >= '1970-01-02 00:00:00+00' AND finished_at < '2100-01-01 00:00:00+00'
            THEN finished_at
    END AS finished_at,
    nullif(concat_ws(
        ', ',
        CASE
            WHEN started_at < '1970-01-02 00:00:00+00' OR started_at >= '2100-01-01 00:00:00+00'
                THEN 'started_at ' || trim('"' FROM to_json(started_at AT TIME ZONE 'UTC')::text)
        END,
        CASE
            WHEN finished_at < '1970-01-02 00:00:00+00' OR finished_at >= '2100-01-01 00:00:00+00'
                THEN 'finished_at ' || trim('"' FROM to_json(finished_at AT TIME ZONE 'UTC')::text)
        END
    ), '') AS source_times,
    TRUE AS is_valid
FROM public.stage
WHERE
    created_at >= %(from)s
    AND created_at < %(to)s
    AND (pipeline_id, name, status) IS NOT NULL
