-- What deliveries earned and cost on a day (UTC), by the type of the order.
CREATE TABLE delivery_marts.order_roi (
    day Date, -- The day on which the deliveries' pipelines were made.
    order_type Nullable(String), -- The order's extra; NULL if the customer gave none.
    assigned UInt64, -- How many deliveries were assigned.
    succeeded UInt64, -- How many succeeded.
    revenue Decimal(38, 2), -- The cost of those that succeeded: what customers pay.
    payouts Decimal(38, 6), -- The performers' share (MARTS_DELIVERY_PAYOUT_SHARE) of the cost of all that were assigned.
    roi Nullable(Float64) -- What is left of the revenue after the pay-outs, as a part of these; NULL without any.
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (day, order_type)
SETTINGS allow_nullable_key = 1
