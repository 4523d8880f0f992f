-- A user's day (UTC) over all prostheses, as states that stay right however the engine merges rows. For reading
-- there is the view user_reports_summary.
CREATE TABLE bionicpro_reports.user_reports_summary_states (
    user_id UInt32, -- Whose prostheses they are.
    report_date Date, -- The day, in UTC.
    prostheses AggregateFunction(uniqExact, String), -- Which prostheses acted.
    total_actions SimpleAggregateFunction(sum, UInt64), -- How many actions.
    response_time_sum AggregateFunction(sumKahan, Float64), -- Of the response times, in milliseconds.
    response_time_samples SimpleAggregateFunction(sum, UInt64), -- How many response times were measured.
    max_response_time SimpleAggregateFunction(max, Nullable(Float64)), -- The longest one.
    min_response_time SimpleAggregateFunction(min, Nullable(Float64)), -- The shortest one.
    grasp_count SimpleAggregateFunction(sum, UInt64), -- How many of the actions were a grasp.
    release_count SimpleAggregateFunction(sum, UInt64), -- How many of the actions were a release.
    flex_count SimpleAggregateFunction(sum, UInt64), -- How many of the actions were a flex.
    battery_level_sum AggregateFunction(sumKahan, Float64), -- Of the battery levels, in per cent.
    battery_level_samples SimpleAggregateFunction(sum, UInt64), -- How many battery levels were measured.
    min_battery_level SimpleAggregateFunction(min, Nullable(Float64)), -- The lowest one.
    total_usage_seconds SimpleAggregateFunction(sum, UInt64) -- How long the actions took together, in seconds.
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(report_date)
ORDER BY (user_id, report_date)
