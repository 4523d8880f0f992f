SELECT count(*) AS rows_outside
FROM {stage}
WHERE {column} IS NULL OR {column} < %(start)s OR {column} >= %(end)s
