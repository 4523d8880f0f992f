-- The attempts to deliver an order: a restart after a failure or a cancellation is another pipeline.
CREATE TABLE dds.fact_pipelines (
    id UUID, -- The pipeline.
    order_id UUID, -- The order.
    order_registered_at Nullable(DateTime64(6, 'UTC')), -- When the order was registered; NULL if that is not known.
    status LowCardinality(String), -- pending, in_progress, succeeded, failed or canceled.
    message Nullable(String), -- Why it failed or was cancelled.
    created_at DateTime64(6, 'UTC'), -- When it was made.
    started_at Nullable(DateTime64(6, 'UTC')), -- When its first stage began.
    finished_at Nullable(DateTime64(6, 'UTC')), -- When it reached its final status; NULL until then.
    processed_dttm DateTime64(3, 'UTC') DEFAULT now64(3) -- When the row came here.
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(created_at)
ORDER BY (created_at, id)
TTL toDateTime(created_at) + toIntervalDay({delivery_ttl_days})
