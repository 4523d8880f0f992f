-- The stages of the pipelines, one after another: start_pipeline to release_performer.
CREATE TABLE dds.fact_stages (
    id UUID, -- The stage.
    pipeline_id UUID, -- The pipeline.
    name LowCardinality(String), -- Which of the five stages.
    status LowCardinality(String), -- pending, in_progress, succeeded, failed or canceled.
    message Nullable(String), -- Why it failed or was cancelled.
    created_at DateTime64(6, 'UTC'), -- When it was made.
    started_at Nullable(DateTime64(6, 'UTC')), -- When it began.
    finished_at Nullable(DateTime64(6, 'UTC')), -- When it reached its final status; NULL until then.
    processed_dttm DateTime64(3, 'UTC') DEFAULT now64(3) -- When the row came here.
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(created_at)
ORDER BY (created_at, id)
TTL toDateTime(created_at) + toIntervalDay({delivery_ttl_days})
