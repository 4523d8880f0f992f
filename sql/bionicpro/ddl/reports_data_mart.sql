-- The report of a user's prosthesis on a day (UTC): telemetry, and the customer as the CRM's newest snapshot has it.
CREATE TABLE bionicpro_reports.reports_data_mart (
    user_id UInt32, -- Whose prosthesis it is.
    email String, -- The customer's address; empty if it is not known.
    first_name String, -- The customer's first name; empty if it is not known.
    last_name String, -- The customer's last name; empty if it is not known.
    prosthesis_id String, -- Which prosthesis, by its telemetry.
    report_date Date, -- The day, in UTC.
    total_actions UInt32, -- How many actions.
    avg_response_time Float32, -- The mean response time in milliseconds; 0 if none was measured.
    max_response_time Float32, -- The longest response time in milliseconds; 0 if none was measured.
    min_response_time Float32, -- The shortest response time in milliseconds; 0 if none was measured.
    grasp_count UInt32, -- How many of the actions were a grasp.
    release_count UInt32, -- How many of the actions were a release.
    flex_count UInt32, -- How many of the actions were a flex.
    avg_battery_level Float32, -- The mean battery level in per cent; 0 if none was measured.
    min_battery_level Float32, -- The lowest battery level in per cent; 0 if none was measured.
    total_usage_seconds UInt32, -- How long the actions took together, in seconds.
    usage_hours Float32, -- The same in hours.
    actions_per_hour Float32, -- Actions for each hour of usage; 0 without usage.
    efficiency_score Float32, -- 100 minus a tenth of the mean response time, from 0 to 100; 0 if none was measured.
    order_date Date, -- When the prosthesis was ordered; 1970-01-01 if that is not known.
    status String, -- How things stand with the customer; unknown if the CRM does not say.
    created_at DateTime DEFAULT now(), -- When the report first appeared.
    updated_at DateTime DEFAULT now(), -- When its figures last changed.
    response_time_samples UInt32, -- How many response times were measured; 0 tells a missing one from a real 0.
    battery_level_samples UInt32, -- How many battery levels were measured; 0 tells a missing one from a real 0.
    usage_samples UInt32, -- How many actions had a duration.
    is_in_crm Bool, -- Whether the snapshot has the customer.
    has_order_date Bool, -- Whether the snapshot has the date of the order.
    crm_taken_at Nullable(DateTime64(6, 'UTC')) -- When the snapshot was taken; NULL if there was none yet.
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(report_date)
PRIMARY KEY (user_id, report_date)
ORDER BY (user_id, report_date, prosthesis_id)
SETTINGS index_granularity = 8192
