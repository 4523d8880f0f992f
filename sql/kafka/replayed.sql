-- The messages that stand in quarantine, as they came or as they were repaired; `place` is the entry's id.
-- What came as bytes and is no longer written as bytes has been repaired: it is text.
WITH standing AS (
    SELECT
        quarantine.*,
        (quarantine.context ->> 'is_text')::boolean
        OR quarantine.payload !~ '^\\x(?:[0-9A-Fa-f][0-9A-Fa-f])*$' AS is_text
    FROM ops.quarantine AS quarantine
    WHERE
        quarantine.asset = %(asset)s
        AND quarantine.is_row
        AND quarantine.replayed_at IS NULL
        AND quarantine.context IS NOT NULL
)

SELECT
    entry.id AS place,
    entry.context ->> 'kafka_topic' AS kafka_topic,
    (entry.context ->> 'kafka_partition')::integer AS kafka_partition,
    (entry.context ->> 'kafka_epoch')::integer AS kafka_epoch,
    (entry.context ->> 'kafka_offset')::bigint AS kafka_offset,
    (entry.context ->> 'kafka_time')::timestamptz AS kafka_time,
    (entry.context ->> 'kafka_key')::bytea AS kafka_key,
    nullif(entry.context -> 'kafka_headers', 'null') AS kafka_headers,
    CASE WHEN entry.is_text THEN entry.payload END AS message,
    CASE WHEN NOT entry.is_text THEN entry.payload::bytea END AS message_bytes
FROM standing AS entry
