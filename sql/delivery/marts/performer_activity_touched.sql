-- Who is active on the window's day, now or when it was loaded before. On the day after it, too: whether an assignment
-- overlaps depends on the deliveries of the day before.
SELECT
    day,
    performer_id,
    true AS in_doubt
FROM (
    SELECT
        toDate(facts.created_at) AS day,
        assumeNotNull(facts.performer_id) AS performer_id
    FROM dds.fact_deliveries AS facts
    WHERE
        facts.created_at >= {start:DateTime64(6, 'UTC')}
        AND facts.created_at < {end:DateTime64(6, 'UTC')} + toIntervalDay(1)
        AND facts.performer_id IS NOT NULL
        AND facts.assigned_at IS NOT NULL
    UNION DISTINCT
    SELECT
        published.day AS day,
        published.performer_id AS performer_id
    FROM delivery_marts.performer_activity AS published
    WHERE
        published.day >= toDate({start:DateTime64(6, 'UTC')})
        AND published.day < toDate({end:DateTime64(6, 'UTC')}) + 1
) AS active
