-- All users' last days together: actions, hours of usage and mean efficiency, the most active first.
-- @engine clickhouse
-- @param days = 30: how many days, today's included
-- @param limit = 20: how many users
SELECT
    user_id,
    any(first_name) AS first_name,
    any(last_name) AS last_name,
    uniqExact(report_date) AS days_active,
    sum(total_actions) AS actions,
    round(sum(total_usage_seconds) / 3600, 2) AS hours,
    round(avgOrNullIf(toFloat64(efficiency_score), response_time_samples > 0), 2) AS efficiency
FROM bionicpro_reports.reports_data_mart
WHERE report_date > today() - {days:UInt16} AND report_date <= today()
GROUP BY user_id
ORDER BY actions DESC, user_id ASC
LIMIT {limit:UInt32}
