SELECT
    count(*) = 0 AS passed,
    count(*) AS rows_of_unknown_status,
    min(status) AS one_of_them
FROM {staged}
WHERE status <> ALL(ARRAY['pending', 'in_progress', 'succeeded', 'failed', 'canceled'])
