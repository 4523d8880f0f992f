-- How each performer does over the whole history: the sum of their days in performer_activity.
CREATE TABLE delivery_marts.courier_efficiency (
    performer_id UUID, -- The performer.
    deliveries UInt64, -- How many deliveries were assigned to them.
    avg_cost Nullable(Float64), -- What a delivery costs on average, of those with a cost.
    avg_seconds Nullable(Float64), -- The mean time from assigned to released, of those that have ended.
    overlapping_assignments UInt64, -- How many were assigned while an earlier one was not released.
    active_days UInt64, -- On how many days they were assigned something.
    last_assigned_on Date -- The last of those days.
)
ENGINE = MergeTree
ORDER BY performer_id
