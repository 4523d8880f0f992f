-- An index range of removal_time_.
SELECT
    to_char(detail.time_ AT TIME ZONE %(zone)s AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day,
    count(*) AS rows_due
FROM act_hi_detail AS detail
WHERE
    detail.removal_time_ <= (%(until)s AT TIME ZONE %(zone)s)
    AND (detail.time_ AT TIME ZONE %(zone)s) >= %(start)s
    AND (detail.time_ AT TIME ZONE %(zone)s) < %(until)s
    AND (%(all_variables)s OR detail.name_ = ANY(%(variables)s))
GROUP BY 1
