-- The same text as fingerprint_source.sql gives for the same rows.
SELECT
    concat_ws(
        ' ',
        count(*),
        to_char(max(time_) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'),
        max(id_ COLLATE "C"),
        to_char(max(removal_time_) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US')
    ) AS fingerprint
FROM {staged}
WHERE NOT is_purged_
