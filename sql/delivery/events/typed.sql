WITH parsed AS MATERIALIZED (
    SELECT
        landed.*,
        ops.json_of_text(landed.message) AS event_data,
        CASE landed.kafka_topic WHEN %(results)s THEN 'result' WHEN %(triggers)s THEN 'trigger' END AS event_type
    FROM {landed} AS landed
),

judged AS (
    SELECT
        parsed.*,
        CASE
            WHEN event_type IS NULL THEN 'the topic is neither that of results nor that of triggers'
            WHEN message IS NULL AND message_bytes IS NULL THEN 'no value'
            WHEN message IS NULL THEN 'no UTF-8 text'
            WHEN event_data IS NULL THEN 'no JSON'
            WHEN jsonb_typeof(event_data) <> 'object' THEN 'no JSON object'
            WHEN kafka_time IS NULL THEN 'the broker tells no time of the years 1970 to 9999'
            WHEN event_type = 'result' AND pg_input_is_valid(event_data ->> 'stage_id', 'uuid') IS NOT TRUE
                THEN 'stage_id is missing or no uuid'
            WHEN
                event_type = 'result'
                AND (event_data ->> 'status' IN ('succeeded', 'failed', 'canceled')) IS NOT TRUE
                THEN 'status is missing or none of succeeded, failed, canceled'
            WHEN event_type = 'result' AND jsonb_typeof(event_data -> 'message') NOT IN ('string', 'null')
                THEN 'message is no text'
            WHEN event_type = 'trigger' AND pg_input_is_valid(event_data ->> 'pipeline_id', 'uuid') IS NOT TRUE
                THEN 'pipeline_id is missing or no uuid'
            WHEN event_type = 'trigger' AND coalesce(event_data ->> 'stage_name', '') = ''
                THEN 'stage_name is missing'
        END AS reason
    FROM parsed
)

SELECT
    place,
    reason,
    md5(concat_ws('/', kafka_topic, kafka_partition, kafka_epoch, kafka_offset))::uuid AS event_id,
    event_type::varchar(50) AS event_type,
    event_data,
    kafka_time AS event_timestamp,
    kafka_topic,
    kafka_partition,
    kafka_epoch,
    kafka_offset,
    now() AS load_timestamp,
    TRUE AS is_valid
FROM judged
