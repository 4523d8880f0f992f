-- Rows, newest time and a checksum of every stored column of a window: an index range of time_. A sum does not
-- depend on the rows' order, nor do bytes in UTF-8 on the server's encoding.
SELECT
    concat_ws(
        ' ',
        count(*),
        to_char((max(detail.time_) AT TIME ZONE %(zone)s) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'),
        coalesce(sum(('x' || left(md5(convert_to({values}::text, 'UTF8')), 15))::bit(60)::bigint), 0)
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
