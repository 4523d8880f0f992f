-- Events that no day holds: before the first, or after the last. Two ranges of the index.
WITH undated AS (
    SELECT
        early.timestamp AS moment,
        concat_ws('/', early.kafka_topic, early.kafka_partition, early.kafka_epoch, early.kafka_offset) AS place
    FROM shop.kafka_events AS early
    WHERE early.timestamp < %(start)s
    UNION ALL
    SELECT
        late.timestamp AS moment,
        concat_ws('/', late.kafka_topic, late.kafka_partition, late.kafka_epoch, late.kafka_offset) AS place
    FROM shop.kafka_events AS late
    WHERE late.timestamp >= %(end)s
)

SELECT
    count(*) AS rows_outside,
    min(undated.place) AS one_of_them,
    min(undated.moment)::text AS earliest,
    max(undated.moment)::text AS latest
FROM undated
