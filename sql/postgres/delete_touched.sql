DELETE FROM {table} AS live
USING {touched} AS touched
WHERE
    ({live_key}) = ({touched_key})
    AND NOT EXISTS (SELECT 1 FROM {stage} AS staged WHERE ({staged_key}) = ({touched_key}))
