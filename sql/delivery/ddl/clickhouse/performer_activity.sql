-- What each performer did on a day (UTC): the deliveries of the day's pipelines that were assigned to them.
CREATE TABLE delivery_marts.performer_activity (
    day Date, -- The day on which the deliveries' pipelines were made.
    performer_id UUID, -- The performer.
    assignments UInt64, -- How many deliveries were assigned to them.
    released UInt64, -- From how many of those they were released.
    total_cost Decimal(38, 2), -- What the deliveries cost.
    costed UInt64, -- How many of them have a cost.
    busy_seconds Decimal(38, 6), -- How long those took from assigned to released that have ended.
    overlapping_assignments UInt64, -- How many were assigned while an earlier one, of a pipeline of this day or the day before, was not released.
    first_assigned_at DateTime64(6, 'UTC'), -- When the first of them was assigned.
    last_released_at Nullable(DateTime64(6, 'UTC')) -- When they were released last.
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (day, performer_id)
