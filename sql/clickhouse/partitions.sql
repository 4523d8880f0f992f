SELECT DISTINCT _partition_id AS partition_id
FROM {table}
ORDER BY partition_id
