-- Wanted rows that no day holds: before the first day, after the last one, at an infinite time. Two ranges of the
-- index of time_, of each the rows next to the days: an engine may be years older than MARTS_START.
WITH undated AS (
    (
        SELECT
            detail.id_,
            detail.name_,
            detail.time_
        FROM act_hi_detail AS detail
        WHERE detail.time_ < (%(start)s AT TIME ZONE %(zone)s)
        ORDER BY detail.time_ DESC
        LIMIT %(most)s
    )
    UNION ALL
    (
        SELECT
            detail.id_,
            detail.name_,
            detail.time_
        FROM act_hi_detail AS detail
        WHERE detail.time_ >= (%(end)s AT TIME ZONE %(zone)s)
        ORDER BY detail.time_ ASC
        LIMIT %(most)s
    )
)

SELECT
    count(*) AS rows_outside,
    min(undated.id_) AS one_of_them,
    min(undated.time_)::text AS earliest,
    max(undated.time_)::text AS latest
FROM undated
WHERE %(all_variables)s OR undated.name_ = ANY(%(variables)s)
