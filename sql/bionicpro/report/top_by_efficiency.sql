-- The users with the highest mean efficiency of the last days, of those whose response time was measured.
-- @engine clickhouse
-- @param days = 30: how many days, today's included
-- @param limit = 10: how many users
SELECT
    user_id,
    any(first_name) AS first_name,
    any(last_name) AS last_name,
    round(avg(toFloat64(efficiency_score)), 2) AS efficiency,
    round(avg(toFloat64(avg_response_time)), 2) AS response_time,
    sum(total_actions) AS actions
FROM bionicpro_reports.reports_data_mart
WHERE
    report_date > today() - {days:UInt16}
    AND report_date <= today()
    AND response_time_samples > 0
GROUP BY user_id
ORDER BY efficiency DESC, user_id ASC
LIMIT {limit:UInt32}
