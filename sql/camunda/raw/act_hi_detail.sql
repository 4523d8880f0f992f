-- The subselect on the byte arrays is a keyed look-up for each row that has one; as a join the planner
-- may prefer a scan of the whole of act_ge_bytearray. A text that is not UTF-8 comes as its bytes.
SELECT
    {columns},
    CASE
        WHEN {unreadable} THEN convert_to(detail.text_, 'SQL_ASCII')
        WHEN detail.bytearray_id_ IS NOT NULL
            THEN (SELECT stored.bytes_ FROM act_ge_bytearray AS stored WHERE stored.id_ = detail.bytearray_id_)
    END AS bytes_
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
