-- The same figures as checksum_mart.sql gives for the same rows: a sum does not depend on their order, nor do
-- bytes in UTF-8 on the server's encoding.
SELECT
    count(*) AS rows_counted,
    coalesce(sum(('x' || left(md5(convert_to({values}::text, 'UTF8')), 15))::bit(60)::bigint), 0) AS checksum
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
