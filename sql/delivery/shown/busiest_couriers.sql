SELECT
    performer_id,
    deliveries,
    round(avg_cost, 2) AS average_cost,
    round(avg_seconds) AS average_seconds,
    overlapping_assignments
FROM delivery_marts.courier_efficiency
ORDER BY deliveries DESC, performer_id ASC
LIMIT 5
