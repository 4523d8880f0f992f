-- Python's isoformat() leaves out the microseconds where they are zero, and names no zone where it knows none.
WITH parsed AS MATERIALIZED (
    SELECT
        landed.*,
        ops.json_of_text(landed.message) AS body
    FROM {landed} AS landed
),

fields AS (
    SELECT
        parsed.*,
        parsed.body ->> 'event_type' AS event_type,
        parsed.body ->> 'user_id' AS user_id,
        parsed.body ->> 'timestamp' AS local_time,
        parsed.body ->> 'page_url' AS page_url,
        parsed.body ->> 'ip_address' AS ip_address,
        parsed.body ->> 'timestamp' ~ '(?:Z|[+-][0-9]{{2}}:[0-9]{{2}})$' AS names_zone
    FROM parsed
),

judged AS (
    SELECT
        fields.*,
        CASE
            WHEN message IS NULL AND message_bytes IS NULL THEN 'no value'
            WHEN message IS NULL THEN 'no UTF-8 text'
            WHEN body IS NULL THEN 'no JSON'
            WHEN jsonb_typeof(body) <> 'object' THEN 'no JSON object'
            WHEN jsonb_typeof(body -> 'event_type') IS DISTINCT FROM 'string' OR event_type = ''
                THEN 'event_type is missing or no text'
            WHEN user_id ~ '^[0-9]+$' IS NOT TRUE OR NOT pg_input_is_valid(user_id, 'integer')
                THEN 'user_id is missing or no whole number'
            WHEN
                local_time ~ (
                    '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:[.][0-9]{{1,6}})?'
                    || '(?:Z|[+-][0-9]{{2}}:[0-9]{{2}})?$'
                ) IS NOT TRUE
                OR NOT pg_input_is_valid(local_time, 'timestamptz')
                THEN 'timestamp is missing or no ISO time'
            WHEN jsonb_typeof(body -> 'page_url') IS DISTINCT FROM 'string' OR page_url = ''
                THEN 'page_url is missing or no text'
            WHEN
                jsonb_typeof(body -> 'ip_address') IS DISTINCT FROM 'string'
                OR ip_address LIKE '%%/%%'
                OR NOT pg_input_is_valid(ip_address, 'inet')
                THEN 'ip_address is missing or no address'
        END AS reason
    FROM fields
)

SELECT
    place,
    reason,
    kafka_topic,
    kafka_partition,
    kafka_epoch,
    kafka_offset,
    kafka_time,
    event_type,
    page_url,
    CASE WHEN reason IS NULL THEN user_id::integer END AS user_id,
    CASE
        WHEN reason IS NULL AND names_zone THEN local_time::timestamptz
        WHEN reason IS NULL THEN local_time::timestamp AT TIME ZONE %(zone)s
    END AS timestamp,
    CASE WHEN reason IS NULL THEN ip_address::inet END AS ip_address
FROM judged
