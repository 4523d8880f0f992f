-- The definition. An assignment overlaps if an earlier one of the performer, of the same day or the day before, had not
-- been released by then. One of an older day that was never released counts as abandoned, or it would overlap with
-- whatever comes, for ever. One that was released before it was assigned took no time.
SELECT
    own.day AS day,
    own.performer_id AS performer_id,
    count() AS assignments,
    countIf(own.released_at IS NOT NULL) AS released,
    sum(coalesce(toDecimal128(own.cost, 2), toDecimal128(0, 2))) AS total_cost,
    count(own.cost) AS costed,
    toDecimal128(sum(coalesce(own.busy_microseconds, 0)), 6) / 1000000 AS busy_seconds,
    countIf(own.busy_until > own.assigned_at) AS overlapping_assignments,
    min(own.assigned_at) AS first_assigned_at,
    max(own.released_at) AS last_released_at
FROM (
    SELECT
        assigned.day AS day,
        assigned.compared_day AS compared_day,
        assigned.performer_id AS performer_id,
        assigned.cost AS cost,
        assigned.assigned_at AS assigned_at,
        assigned.released_at AS released_at,
        if(
            assigned.released_at >= assigned.assigned_at,
            toUnixTimestamp64Micro(assigned.released_at) - toUnixTimestamp64Micro(assigned.assigned_at),
            NULL
        ) AS busy_microseconds,
        max(coalesce(assigned.released_at, toDateTime64('2200-01-01 00:00:00', 6, 'UTC'))) OVER (
            PARTITION BY assigned.performer_id, assigned.compared_day
            ORDER BY assigned.assigned_at, assigned.pipeline_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS busy_until
    FROM (
        SELECT
            toDate(facts.created_at) AS day,
            arrayJoin([toDate(facts.created_at), toDate(facts.created_at) + 1]) AS compared_day,
            facts.pipeline_id AS pipeline_id,
            assumeNotNull(facts.performer_id) AS performer_id,
            facts.cost AS cost,
            assumeNotNull(facts.assigned_at) AS assigned_at,
            facts.released_at AS released_at
        FROM dds.fact_deliveries AS facts
        WHERE
            facts.created_at >= {start:DateTime64(6, 'UTC')} - toIntervalDay(1)
            AND facts.created_at < {end:DateTime64(6, 'UTC')} + toIntervalDay(1)
            AND facts.performer_id IS NOT NULL
            AND facts.assigned_at IS NOT NULL
            AND facts.performer_id IN (SELECT touched.performer_id FROM {touched:Identifier} AS touched)
    ) AS assigned
) AS own
WHERE
    own.compared_day = own.day
    AND (own.day, own.performer_id) IN (SELECT touched.day, touched.performer_id FROM {touched:Identifier} AS touched)
GROUP BY own.day, own.performer_id
