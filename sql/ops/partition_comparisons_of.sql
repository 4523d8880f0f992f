SELECT
    partition_key,
    tried_at,
    compared_at,
    is_stale
FROM ops.partition_comparisons
WHERE asset = %(asset)s
