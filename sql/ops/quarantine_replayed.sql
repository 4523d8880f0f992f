-- IS NOT DISTINCT FROM would be no condition of an index, and each load would read all that was ever in quarantine.
UPDATE ops.quarantine AS standing
SET replayed_at = clock_timestamp()
WHERE
    standing.asset = %(asset)s
    AND (
        standing.partition_key = %(partition_key)s
        OR (%(partition_key)s::text IS NULL AND standing.partition_key IS NULL)
    )
    AND standing.replayed_at IS NULL
    AND (standing.context IS NOT NULL OR NOT %(with_context)s)
    AND NOT EXISTS (
        SELECT 1
        FROM quarantine_found AS found
        WHERE
            coalesce(found.source_key, '') = coalesce(standing.source_key, '')
            AND found.source_key IS NOT DISTINCT FROM standing.source_key
            AND found.reason = standing.reason
            AND found.payload IS NOT DISTINCT FROM standing.payload
    )
