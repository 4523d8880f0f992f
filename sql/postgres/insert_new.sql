-- In the key's order: neighbours in the index are written together.
INSERT INTO {table} ({columns})
SELECT {columns}
FROM {stage} AS staged
WHERE NOT EXISTS (SELECT 1 FROM {table} AS live WHERE ({live_key}) = ({staged_key}))
ORDER BY {key}
