-- When processes change their variables
-- Changes by weekday and hour (UTC), of the 60 days up to the newest one.
-- @engine postgres
-- @kind heatmap
-- @unit changes
WITH counted AS (
    SELECT
        extract(ISODOW FROM time_ AT TIME ZONE 'UTC')::integer AS weekday,
        extract(HOUR FROM time_ AT TIME ZONE 'UTC')::integer AS hour,
        count(*) AS changes
    FROM camunda.act_hi_detail
    WHERE time_ >= (SELECT max(newest.time_) - interval '60 days' FROM camunda.process_variables AS newest)
    GROUP BY weekday, hour
)

SELECT
    lpad(hours.hour::text, 2, '0') AS hour,
    (ARRAY['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'])[days.weekday] AS weekday,
    coalesce(counted.changes, 0) AS changes
FROM generate_series(1, 7) AS days (weekday)
CROSS JOIN generate_series(0, 23) AS hours (hour)
LEFT JOIN counted ON counted.weekday = days.weekday AND counted.hour = hours.hour
WHERE (SELECT sum(total.changes) FROM counted AS total) > 0
ORDER BY days.weekday, hours.hour
