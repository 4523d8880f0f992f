-- What hourly_events_mv shows, as states that any span of hours can be put together of.
CREATE TABLE dds.hourly_events_states (
    hour DateTime('UTC'), -- The hour of the broker's time.
    event_type LowCardinality(String), -- result or trigger.
    events_count AggregateFunction(count) -- How many messages.
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(hour)
ORDER BY (hour, event_type)
