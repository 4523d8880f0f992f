-- Who uses a prosthesis most
-- Hours of use in the 30 days up to the newest report, by customer.
-- @engine clickhouse
-- @kind ranking
-- @unit h
SELECT
    if(first_name = '', concat('user ', toString(user_id)), concat(first_name, ' ', last_name)) AS customer,
    round(sum(total_usage_seconds) / 3600, 1) AS hours
FROM bionicpro_reports.reports_data_mart
WHERE report_date > (SELECT max(newest.report_date) - 30 FROM bionicpro_reports.reports_data_mart AS newest)
GROUP BY user_id, customer
ORDER BY hours DESC, user_id
LIMIT 10
