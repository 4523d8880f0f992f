-- The definition. What is older than the first pipeline of the touched days' orders is not read. An order that has
-- moved to a later day may have pipelines of days before that, so only their own times tell how far to go
-- back: that look reads one column.
SELECT
    toDate(orders.registered_at) AS day,
    count() AS registered,
    countIf(attempts.estimated) AS estimated,
    countIf(attempts.assigned) AS assigned,
    countIf(attempts.delivered) AS delivered,
    countIf(NOT attempts.delivered AND attempts.last_status = 'canceled') AS cancelled,
    countIf(NOT attempts.delivered AND attempts.last_status = 'failed') AS failed,
    countIf(NOT attempts.delivered AND attempts.last_status NOT IN ('canceled', 'failed')) AS in_progress,
    toUInt64(sum(if(attempts.pipelines > 1, attempts.pipelines - 1, 0))) AS restarts
FROM dds.fact_orders AS orders
LEFT JOIN (
    SELECT
        pipelines.order_id AS order_id,
        max(deliveries.is_estimated) AS estimated,
        max(deliveries.is_assigned) AS assigned,
        max(pipelines.status = 'succeeded') AS delivered,
        argMax(pipelines.status, (pipelines.created_at, pipelines.id)) AS last_status,
        count() AS pipelines
    FROM dds.fact_pipelines AS pipelines
    LEFT JOIN (
        SELECT
            facts.pipeline_id AS pipeline_id,
            facts.estimated_at IS NOT NULL AS is_estimated,
            facts.assigned_at IS NOT NULL AS is_assigned
        FROM dds.fact_deliveries AS facts
        WHERE
            facts.created_at >= (
                SELECT minOrNull(earliest.created_at)
                FROM dds.fact_pipelines AS earliest
                WHERE toDate(earliest.order_registered_at) IN (SELECT touched.day FROM {touched:Identifier} AS touched)
            )
    ) AS deliveries ON pipelines.id = deliveries.pipeline_id
    WHERE
        pipelines.created_at >= (
            SELECT minOrNull(earliest.created_at)
            FROM dds.fact_pipelines AS earliest
            WHERE toDate(earliest.order_registered_at) IN (SELECT touched.day FROM {touched:Identifier} AS touched)
        )
        AND toDate(pipelines.order_registered_at) IN (SELECT touched.day FROM {touched:Identifier} AS touched)
    GROUP BY pipelines.order_id
) AS attempts ON orders.id = attempts.order_id
WHERE
    orders.registered_at >= (SELECT min(touched.day) FROM {touched:Identifier} AS touched)
    AND toDate(orders.registered_at) IN (SELECT touched.day FROM {touched:Identifier} AS touched)
GROUP BY day
