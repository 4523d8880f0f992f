CREATE INDEX kafka_events_by_time ON shop.kafka_events (timestamp)
