-- Deliveries by the hour (UTC) of their estimate and by performer. A delivery that was not estimated has no hour yet.
CREATE VIEW dds.hourly_deliveries_mv AS
SELECT
    states.hour AS hour,
    states.performer_id AS performer_id,
    countMerge(states.deliveries_count) AS deliveries_count,
    sumMerge(states.total_cost) AS total_cost,
    toFloat64(sumMerge(states.total_cost)) / nullIf(countMerge(states.costed_count), 0) AS avg_cost,
    countMerge(states.completed_count) AS completed_count
FROM dds.hourly_deliveries_states AS states
GROUP BY states.hour, states.performer_id
