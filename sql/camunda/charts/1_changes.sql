-- Changes of process variables a day
-- The 60 days up to the newest change.
-- @engine postgres
-- @kind bars
-- @unit changes
SELECT
    date_trunc('day', time_, 'UTC') AS day,
    count(*) AS changes,
    name_ AS variable
FROM camunda.act_hi_detail
WHERE time_ >= (SELECT max(newest.time_) - interval '60 days' FROM camunda.act_hi_detail AS newest)
GROUP BY day, variable
ORDER BY day, variable
