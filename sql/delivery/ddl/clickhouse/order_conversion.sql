-- What became of the orders that were registered on a day (UTC). An order counts once, however often it was restarted.
CREATE TABLE delivery_marts.order_conversion (
    day Date, -- The day of the registration.
    registered UInt64, -- Orders that were registered.
    estimated UInt64, -- Of them, those of which some pipeline has an estimate.
    assigned UInt64, -- Of them, those of which some pipeline had a performer assigned.
    delivered UInt64, -- Of them, those of which some pipeline succeeded.
    cancelled UInt64, -- Of them, those not delivered whose last pipeline was cancelled.
    failed UInt64, -- Of them, those not delivered whose last pipeline failed.
    in_progress UInt64, -- Of them, those whose last pipeline is not finished, or that have none yet.
    restarts UInt64 -- How many pipelines they have beyond their first ones.
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(day)
ORDER BY day
