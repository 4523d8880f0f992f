CREATE INDEX kafka_events_by_user ON shop.kafka_events (user_id)
