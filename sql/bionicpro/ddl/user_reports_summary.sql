-- A user's day (UTC) over all prostheses: averages, minima and maxima of its actions.
CREATE VIEW bionicpro_reports.user_reports_summary AS
SELECT
    user_id,
    report_date,
    toUInt32(uniqExactMerge(prostheses)) AS prostheses,
    sum(states.total_actions) AS total_actions,
    coalesce(sumKahanMerge(response_time_sum) / nullIf(sum(states.response_time_samples), 0), 0) AS avg_response_time,
    coalesce(max(states.max_response_time), 0) AS max_response_time,
    coalesce(min(states.min_response_time), 0) AS min_response_time,
    sum(states.grasp_count) AS grasp_count,
    sum(states.release_count) AS release_count,
    sum(states.flex_count) AS flex_count,
    coalesce(sumKahanMerge(battery_level_sum) / nullIf(sum(states.battery_level_samples), 0), 0) AS avg_battery_level,
    coalesce(min(states.min_battery_level), 0) AS min_battery_level,
    sum(states.total_usage_seconds) AS total_usage_seconds,
    sum(states.total_usage_seconds) / 3600. AS usage_hours,
    if(
        sum(states.total_usage_seconds) > 0, sum(states.total_actions) / (sum(states.total_usage_seconds) / 3600.), 0
    ) AS actions_per_hour,
    if(
        sum(states.response_time_samples) > 0,
        greatest(
            0, least(100, 100 - sumKahanMerge(response_time_sum) / sum(states.response_time_samples) / 10)
        ),
        0
    ) AS efficiency_score,
    sum(states.response_time_samples) AS response_time_samples,
    sum(states.battery_level_samples) AS battery_level_samples
FROM bionicpro_reports.user_reports_summary_states AS states
GROUP BY user_id, report_date
