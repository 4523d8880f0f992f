-- How long the stages that were made on a day (UTC) took, by stage; of the durations only succeeded ones count.
CREATE TABLE delivery_marts.order_sla (
    day Date, -- The day on which the stages were made.
    stage LowCardinality(String), -- Which of the five stages.
    stages_count UInt64, -- How many of them were made.
    succeeded UInt64, -- How many of them succeeded.
    failed UInt64, -- How many of them failed.
    cancelled UInt64, -- How many of them were cancelled.
    unfinished UInt64, -- How many of them have not finished.
    avg_wait_seconds Nullable(Float64), -- The mean time from made to begun of those that have begun.
    avg_seconds Nullable(Float64), -- The mean time from begun to finished of those that succeeded.
    p50_seconds Nullable(Float64), -- The time that half of them did not exceed: the middle one, of two the longer.
    p90_seconds Nullable(Float64), -- The time at 90 per cent of them, in their order.
    p95_seconds Nullable(Float64), -- The time at 95 per cent of them, in their order.
    p99_seconds Nullable(Float64), -- The time at 99 per cent of them, in their order.
    max_seconds Nullable(Float64) -- The longest time.
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (day, stage)
