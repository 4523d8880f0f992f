-- The messages that cannot be rows, whole: the payload and, as its context, all else that a replay needs.
SELECT
    concat_ws('/', landed.kafka_topic, landed.kafka_partition, landed.kafka_epoch, landed.kafka_offset) AS source_key,
    judged.reason,
    coalesce(landed.message, landed.message_bytes::text) AS payload,
    TRUE AS is_row,
    jsonb_build_object(
        'kafka_topic', landed.kafka_topic,
        'kafka_partition', landed.kafka_partition,
        'kafka_epoch', landed.kafka_epoch,
        'kafka_offset', landed.kafka_offset,
        'kafka_time', landed.kafka_time,
        'kafka_key', landed.kafka_key::text,
        'kafka_headers', landed.kafka_headers,
        'is_text', landed.message IS NOT NULL
    ) AS context
FROM {judged} AS judged
INNER JOIN {landed} AS landed ON judged.place = landed.place
WHERE judged.reason IS NOT NULL
