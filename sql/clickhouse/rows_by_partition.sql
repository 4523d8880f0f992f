-- What is staged, and what of it is published already and goes.
SELECT
    'staged' AS place,
    _partition_id AS partition_id,
    count() AS rows_there
FROM {stage}
GROUP BY partition_id
UNION ALL
SELECT
    'published' AS place,
    _partition_id AS partition_id,
    count() AS rows_there
FROM {table}
WHERE {condition}
GROUP BY partition_id
