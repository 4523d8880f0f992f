-- Which of some partitions hold rows beyond those that a condition names.
SELECT DISTINCT _partition_id AS partition_id
FROM {table}
WHERE _partition_id IN {partitions:Array(String)} AND NOT coalesce({condition}, 0)
ORDER BY partition_id
