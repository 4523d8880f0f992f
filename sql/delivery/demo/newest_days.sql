SELECT
    created_at::date AS day,
    count(*) AS pipelines,
    count(*) FILTER (WHERE status = 'succeeded') AS succeeded,
    count(*) FILTER (WHERE status = 'canceled') AS canceled,
    count(*) FILTER (WHERE status = 'failed') AS failed
FROM ods.pipelines
GROUP BY 1
ORDER BY 1 DESC
LIMIT 5
