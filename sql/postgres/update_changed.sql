UPDATE {table} AS live
SET {assignments}
FROM {stage} AS staged
WHERE
    ({live_key}) = ({staged_key})
    AND ({live_values}) IS DISTINCT FROM ({staged_values})
