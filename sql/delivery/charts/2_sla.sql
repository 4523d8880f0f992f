-- How long each stage takes
-- The time that 95 per cent of a day's stages do not exceed.
-- @engine clickhouse
-- @kind lines
-- @unit s
SELECT
    day,
    round(p95_seconds, 1) AS seconds,
    replaceAll(stage, '_', ' ') AS stage
FROM delivery_marts.order_sla
WHERE day > (SELECT max(newest.day) - 60 FROM delivery_marts.order_sla AS newest)
ORDER BY day, stage
