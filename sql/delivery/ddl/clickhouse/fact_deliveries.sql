-- What each pipeline estimated, whom it assigned, and when the performer was free again. What has not happened is NULL.
CREATE TABLE dds.fact_deliveries (
    pipeline_id UUID, -- The pipeline.
    order_id UUID, -- The order.
    order_type Nullable(String), -- The order's extra.
    status LowCardinality(String), -- The pipeline's status.
    cost Nullable(Decimal(10, 2)), -- What the delivery costs; NULL without an estimate.
    estimated_at Nullable(DateTime64(6, 'UTC')), -- When the cost was estimated; NULL until then.
    performer_id Nullable(UUID), -- Who delivers; NULL until assigned.
    assigned_at Nullable(DateTime64(6, 'UTC')), -- When the performer was assigned; NULL until then.
    released_at Nullable(DateTime64(6, 'UTC')), -- When the performer was free again; NULL until then.
    created_at DateTime64(6, 'UTC'), -- When the pipeline was made; it says to which day the delivery belongs.
    processed_dttm DateTime64(3, 'UTC') DEFAULT now64(3) -- When the row came here.
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(created_at)
ORDER BY (created_at, pipeline_id)
TTL toDateTime(created_at) + toIntervalDay({delivery_ttl_days})
