SELECT max(time_) AS newest
FROM camunda.act_hi_detail
WHERE time_ >= %(start)s AND time_ < %(end)s AND NOT is_purged_ AND NOT is_withdrawn_
