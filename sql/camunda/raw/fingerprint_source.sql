-- Rows, newest time, newest key and newest removal time of a window: an index range of time_.
SELECT
    concat_ws(
        ' ',
        count(*),
        to_char((max(detail.time_) AT TIME ZONE %(zone)s) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'),
        max(detail.id_ COLLATE "C"),
        {newest_removal}
    ) AS fingerprint
FROM act_hi_detail AS detail
WHERE
    detail.time_ >= %(from_local)s
    AND detail.time_ < %(to_local)s
    AND (
        %(is_exact)s
        OR (
            (detail.time_ AT TIME ZONE %(zone)s) >= %(from)s
            AND (detail.time_ AT TIME ZONE %(zone)s) < %(to)s
        )
    )
    AND (%(all_variables)s OR detail.name_ = ANY(%(variables)s))
