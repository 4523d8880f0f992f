SELECT
    event_type,
    count(*) AS events,
    count(DISTINCT user_id) AS users,
    min(timestamp) AS first_at,
    max(timestamp) AS last_at
FROM shop.kafka_events
GROUP BY event_type
ORDER BY events DESC
