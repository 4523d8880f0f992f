-- The rows of a day that the source had when the day was last read.
SELECT coalesce(array_agg(id_), ARRAY[]::text[]) AS keys
FROM camunda.act_hi_detail
WHERE time_ >= %(start)s AND time_ < %(end)s AND NOT is_purged_
