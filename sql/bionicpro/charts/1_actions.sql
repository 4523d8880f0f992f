-- Actions of the prostheses a day
-- The 60 days up to the newest report.
-- @engine clickhouse
-- @kind bars
-- @unit actions
SELECT
    report_date,
    sum(total) AS actions,
    movement
FROM (
    SELECT
        report_date,
        arrayJoin([('grasp', grasp_count), ('release', release_count), ('flex', flex_count)]) AS part,
        part.1 AS movement,
        part.2 AS total
    FROM bionicpro_reports.reports_data_mart
    WHERE report_date > (SELECT max(newest.report_date) - 60 FROM bionicpro_reports.reports_data_mart AS newest)
) AS movements
GROUP BY report_date, movement
ORDER BY report_date, movement
