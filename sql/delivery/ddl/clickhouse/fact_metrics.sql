-- The prober's metrics as Prometheus has them: each series at even times, and by how much its counters grew.
CREATE TABLE dds.fact_metrics (
    at DateTime64(3, 'UTC'), -- A multiple of the step, counted from 1970.
    metric LowCardinality(String), -- The metric's name.
    kind LowCardinality(String), -- counter or gauge.
    labels Map(LowCardinality(String), String), -- The series' labels without its name.
    value Nullable(Float64), -- What Prometheus answers at that time; NULL for NaN. There is no row where the series is stale.
    increase Nullable(Float64) -- By how much a counter grew since the step before, resets counted; NULL for a gauge.
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(at)
ORDER BY (metric, at, mapKeys(labels), mapValues(labels))
TTL toDateTime(at) + toIntervalDay({delivery_ttl_days})
