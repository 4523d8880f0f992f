-- What hourly_deliveries_mv shows, as states; a day's pipelines may be estimated in hours of the next one.
CREATE TABLE dds.hourly_deliveries_states (
    created_on Date, -- The day (UTC) on which the deliveries' pipelines were made.
    hour DateTime('UTC'), -- The hour in which the deliveries were estimated.
    performer_id Nullable(UUID), -- Who delivers; NULL for those that nobody was assigned to.
    deliveries_count AggregateFunction(count), -- How many deliveries.
    total_cost AggregateFunction(sum, Decimal(10, 2)), -- What they cost.
    costed_count AggregateFunction(count), -- How many of them have a cost.
    completed_count AggregateFunction(count) -- Of how many of them the performer was released.
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(created_on)
ORDER BY (created_on, hour, performer_id)
SETTINGS allow_nullable_key = 1
