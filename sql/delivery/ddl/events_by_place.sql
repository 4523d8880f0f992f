CREATE UNIQUE INDEX events_by_place ON ods.events (kafka_topic, kafka_partition, kafka_epoch, kafka_offset)
