SELECT
    report_date,
    user_id,
    first_name,
    prosthesis_id,
    total_actions,
    round(toFloat64(usage_hours), 2) AS usage_hours,
    round(toFloat64(efficiency_score), 1) AS efficiency,
    status
FROM bionicpro_reports.reports_data_mart
WHERE report_date = (SELECT max(every.report_date) FROM bionicpro_reports.reports_data_mart AS every)
ORDER BY total_actions DESC, user_id ASC, prosthesis_id ASC
LIMIT 5
