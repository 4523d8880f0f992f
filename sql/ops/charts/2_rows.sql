-- Rows that loads wrote
-- By the hour of the load, in the 3 days up to the newest one.
-- @engine postgres
-- @kind bars
-- @unit rows
SELECT
    date_trunc('hour', started_at, 'UTC') AS hour,
    sum(rows_written) AS rows_written,
    split_part(asset, '/', 1) AS domain
FROM ops.etl_run_log
WHERE
    status = 'success'
    AND started_at > (SELECT max(newest.started_at) - interval '3 days' FROM ops.etl_run_log AS newest)
GROUP BY hour, domain
ORDER BY hour, domain
