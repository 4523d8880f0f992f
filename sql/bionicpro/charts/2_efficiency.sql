-- Efficiency of the prostheses
-- The score from 0 to 100 that response times give: the day's median and its best and worst tenths.
-- @engine clickhouse
-- @kind lines
-- @unit points
SELECT
    report_date,
    score,
    share
FROM (
    SELECT
        report_date,
        quantilesExact(0.1, 0.5, 0.9) (efficiency_score) AS scores
    FROM bionicpro_reports.reports_data_mart
    WHERE
        response_time_samples > 0
        AND report_date > (SELECT max(newest.report_date) - 60 FROM bionicpro_reports.reports_data_mart AS newest)
    GROUP BY report_date
) AS days
ARRAY JOIN
    scores AS score,
    ['worst tenth', 'median', 'best tenth'] AS share
ORDER BY report_date, share
