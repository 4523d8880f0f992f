-- Changes of process variables a day
-- By the type of the value, in the 60 days up to the newest change.
-- @engine postgres
-- @kind bars
-- @unit changes
SELECT
    date_trunc('day', time_, 'UTC') AS day,
    count(*) AS changes,
    coalesce(var_type_, 'null') AS type
FROM camunda.act_hi_detail
WHERE time_ >= (SELECT max(newest.time_) - interval '60 days' FROM camunda.process_variables AS newest)
GROUP BY day, type
ORDER BY day, type
