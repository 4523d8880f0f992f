SELECT
    active.performer_id AS performer_id,
    sum(active.assignments) AS deliveries,
    toFloat64(sum(active.total_cost)) / nullIf(sum(active.costed), 0) AS avg_cost,
    toFloat64(sum(active.busy_seconds)) / nullIf(sum(active.released), 0) AS avg_seconds,
    sum(active.overlapping_assignments) AS overlapping_assignments,
    count() AS active_days,
    max(active.day) AS last_assigned_on
FROM delivery_marts.performer_activity AS active
GROUP BY active.performer_id
