-- The order's time comes in the same snapshot, so that it is there whenever the pipeline is.
-- A time before 1970-01-02 or from 2100 on, such as a language's zero or a far end, is none: it is NULL, stays as it is
-- in source_times, and goes to quarantine. A row without a value that every pipeline has is refused (refused.sql).
SELECT
    pipeline.id,
    pipeline.order_id,
    CASE
        WHEN ordered.registered_at >= '1970-01-02 00:00:00+00' AND ordered.registered_at < '2100-01-01 00:00:00+00'
            THEN ordered.registered_at
    END AS order_registered_at,
    pipeline.status::text AS status,
    pipeline.message::text AS message,
    pipeline.created_at,
    CASE
        WHEN pipeline.started_at >= '1970-01-02 00:00:00+00' AND pipeline.started_at < '2100-01-01 00:00:00+00'
            THEN pipeline.started_at
    END AS started_at,
    CASE
        WHEN pipeline.finished_at >= '1970-01-02 00:00:00+00' AND pipeline.finished_at < '2100-01-01 00:00:00+00'
            THEN pipeline.finished_at
    END AS finished_at,
    nullif(concat_ws(
        ', ',
        CASE
            WHEN ordered.registered_at < '1970-01-02 00:00:00+00' OR ordered.registered_at >= '2100-01-01 00:00:00+00'
                THEN 'order_registered_at ' || trim('"' FROM to_json(ordered.registered_at AT TIME ZONE 'UTC')::text)
        END,
        CASE
            WHEN pipeline.started_at < '1970-01-02 00:00:00+00' OR pipeline.started_at >= '2100-01-01 00:00:00+00'
                THEN 'started_at ' || trim('"' FROM to_json(pipeline.started_at AT TIME ZONE 'UTC')::text)
        END,
        CASE
            WHEN pipeline.finished_at < '1970-01-02 00:00:00+00' OR pipeline.finished_at >= '2100-01-01 00:00:00+00'
                THEN 'finished_at ' || trim('"' FROM to_json(pipeline.finished_at AT TIME ZONE 'UTC')::text)
        END
    ), '') AS source_times,
    TRUE AS is_valid
FROM public.pipeline
LEFT JOIN public."order" AS ordered ON pipeline.order_id = ordered.id
WHERE
    pipeline.created_at >= %(from)s
    AND pipeline.created_at < %(to)s
    AND (pipeline.order_id, pipeline.status) IS NOT NULL
