SELECT
    count(*) AS rows_withdrawn,
    count(DISTINCT proc_inst_id_) AS processes,
    min(id_) AS one_of_them,
    min(proc_inst_id_) AS one_of_the_processes
FROM camunda.act_hi_detail
WHERE time_ >= %(start)s AND time_ < %(end)s AND is_withdrawn_
