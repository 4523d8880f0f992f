SELECT DISTINCT _partition_id AS partition_id
FROM {table}
WHERE {condition}
ORDER BY partition_id
