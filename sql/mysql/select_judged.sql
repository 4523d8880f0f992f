SELECT
    {source_key} AS row_key,
    {reason} AS why,
    {payload} AS raw
FROM {stage}
WHERE {condition}
