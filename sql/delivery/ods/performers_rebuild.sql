-- The definition: the first and the last delivery of each performer, by their pipelines' times.
SELECT
    touched.id,
    earliest.created_at AS first_delivery_at,
    latest.created_at AS last_delivery_at,
    now() AS load_timestamp,
    latest.is_valid
FROM {touched} AS touched
CROSS JOIN
    LATERAL (
        SELECT delivery.created_at
        FROM ods.deliveries AS delivery
        WHERE delivery.performer_id = touched.id
        ORDER BY delivery.created_at
        LIMIT 1
    ) AS earliest
CROSS JOIN LATERAL (
    SELECT
        delivery.created_at,
        delivery.is_valid
    FROM ods.deliveries AS delivery
    WHERE delivery.performer_id = touched.id
    ORDER BY delivery.created_at DESC
    LIMIT 1
) AS latest
