SELECT
    report_date,
    user_id,
    prostheses,
    total_actions,
    round(avg_response_time, 2) AS avg_response_time,
    max_response_time,
    round(avg_battery_level, 2) AS avg_battery_level
FROM bionicpro_reports.user_reports_summary
WHERE prostheses > 1
ORDER BY report_date DESC, user_id ASC
LIMIT 5
