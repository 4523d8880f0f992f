-- A user's reports of a period, newest day first.
-- @engine clickhouse
-- @param user_id = 1: whose reports
-- @param since = today-30: the first day
-- @param until = today+1: the day after the last one
SELECT
    report_date,
    prosthesis_id,
    total_actions,
    round(toFloat64(avg_response_time), 2) AS avg_response_time,
    round(toFloat64(avg_battery_level), 2) AS avg_battery_level,
    round(toFloat64(usage_hours), 2) AS usage_hours,
    round(toFloat64(actions_per_hour), 2) AS actions_per_hour,
    round(toFloat64(efficiency_score), 2) AS efficiency_score
FROM bionicpro_reports.reports_data_mart
WHERE
    user_id = {user_id:UInt32}
    AND report_date >= {since:Date}
    AND report_date < {until:Date}
ORDER BY report_date DESC, prosthesis_id ASC
