SELECT coalesce(jsonb_object_agg(counted.user_id, counted.events), '{{}}') AS events
FROM (
    SELECT
        user_id,
        count(*) AS events
    FROM shop.kafka_events
    GROUP BY user_id
) AS counted
