-- Users with reports
-- By the state of the customer in the CRM's newest snapshot.
-- @engine clickhouse
-- @kind lines
-- @unit users
SELECT
    report_date,
    uniqExact(user_id) AS users,
    status
FROM bionicpro_reports.reports_data_mart
WHERE report_date > (SELECT max(newest.report_date) - 60 FROM bionicpro_reports.reports_data_mart AS newest)
GROUP BY report_date, status
ORDER BY report_date, status
