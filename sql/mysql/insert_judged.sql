INSERT INTO {table} ({columns})
SELECT {values}
FROM {stage}
WHERE {is_row}
