-- Whoever has a delivery in the window, and whoever's first or last one was in it when it was loaded before. All of
-- them are looked up anew: two look-ups in an index cost less than telling who need not be.
SELECT
    id,
    TRUE AS in_doubt,
    NULL::timestamptz AS since
FROM (
    SELECT performer_id AS id
    FROM ods.deliveries
    WHERE created_at >= %(start)s AND created_at < %(end)s AND performer_id IS NOT NULL
    UNION
    SELECT id
    FROM ods.performers
    WHERE first_delivery_at >= %(start)s AND first_delivery_at < %(end)s
    UNION
    SELECT id
    FROM ods.performers
    WHERE last_delivery_at >= %(start)s AND last_delivery_at < %(end)s
) AS touched
