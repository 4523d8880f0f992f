-- What the delivery service said in Kafka: results of stages, and triggers that ask for them, each message once.
CREATE TABLE dds.fact_events (
    event_id UUID, -- The message, made of its place.
    event_type LowCardinality(String), -- result or trigger.
    event_data String, -- The payload, in JSON.
    event_datetime DateTime64(6, 'UTC'), -- The broker's time of the message.
    processed_dttm DateTime64(3, 'UTC') DEFAULT now64(3) -- When the row came here.
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(event_datetime)
ORDER BY (event_datetime, event_type, event_id)
TTL toDateTime(event_datetime) + toIntervalDay({delivery_ttl_days})
