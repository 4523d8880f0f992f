INSERT INTO ops.quarantine (asset, partition_key, run_id, source_key, reason, payload, is_row, context)
SELECT
    %(asset)s,
    %(partition_key)s,
    %(run_id)s,
    found.source_key,
    found.reason,
    found.payload,
    found.is_row,
    found.context
FROM quarantine_found AS found
WHERE
    NOT EXISTS (
        SELECT 1
        FROM ops.quarantine AS standing
        WHERE
            standing.asset = %(asset)s
            AND (
                standing.partition_key = %(partition_key)s
                OR (%(partition_key)s::text IS NULL AND standing.partition_key IS NULL)
            )
            AND standing.replayed_at IS NULL
            -- An equality can be hashed: of thousands of entries, a comparison of each with each takes minutes.
            AND coalesce(standing.source_key, '') = coalesce(found.source_key, '')
            AND standing.source_key IS NOT DISTINCT FROM found.source_key
            AND standing.reason = found.reason
            AND standing.payload IS NOT DISTINCT FROM found.payload
    )
