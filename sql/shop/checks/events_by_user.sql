-- The events among the newest 10,000 messages of each partition, by user: a look into the key, however many there are.
SELECT coalesce(jsonb_object_agg(counted.user_id, counted.events), '{{}}') AS events
FROM (
    SELECT
        event.user_id,
        count(*) AS events
    FROM ops.stream_positions AS reader
    INNER JOIN shop.kafka_events AS event
        ON
            reader.topic = event.kafka_topic
            AND reader.partition = event.kafka_partition
            AND reader.epoch = event.kafka_epoch
    WHERE reader.asset = 'shop/kafka_events' AND event.kafka_offset >= reader.next_offset - 10000
    GROUP BY event.user_id
) AS counted
