-- The messages that stand in quarantine, as they came; `place` is the entry's id.
SELECT
    entry.id AS place,
    entry.context ->> 'kafka_topic' AS kafka_topic,
    (entry.context ->> 'kafka_partition')::integer AS kafka_partition,
    (entry.context ->> 'kafka_epoch')::integer AS kafka_epoch,
    (entry.context ->> 'kafka_offset')::bigint AS kafka_offset,
    (entry.context ->> 'kafka_time')::timestamptz AS kafka_time,
    (entry.context ->> 'kafka_key')::bytea AS kafka_key,
    nullif(entry.context -> 'kafka_headers', 'null') AS kafka_headers,
    CASE WHEN (entry.context ->> 'is_text')::boolean THEN entry.payload END AS message,
    CASE WHEN NOT (entry.context ->> 'is_text')::boolean THEN entry.payload::bytea END AS message_bytes
FROM ops.quarantine AS entry
WHERE
    entry.asset = %(asset)s
    AND entry.is_row
    AND entry.replayed_at IS NULL
    AND entry.context IS NOT NULL
