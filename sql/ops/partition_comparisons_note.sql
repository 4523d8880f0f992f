-- In the keys' order, so that two evaluations at once cannot deadlock.
INSERT INTO ops.partition_comparisons AS known (asset, partition_key, tried_at, compared_at, is_stale)
SELECT
    %(asset)s AS named_asset,
    tried.partition_key,
    statement_timestamp() AS tried_at,
    CASE WHEN tried.partition_key = ANY(%(compared)s::text[]) THEN statement_timestamp() END AS compared_at,
    tried.partition_key = ANY(%(stale)s::text[]) AS is_stale
FROM unnest(%(tried)s::text[]) AS tried (partition_key)
ORDER BY tried.partition_key
ON CONFLICT (asset, partition_key) DO UPDATE
    SET
        tried_at = excluded.tried_at,
        compared_at = coalesce(excluded.compared_at, known.compared_at),
        is_stale = CASE WHEN excluded.compared_at IS NULL THEN known.is_stale ELSE excluded.is_stale END
