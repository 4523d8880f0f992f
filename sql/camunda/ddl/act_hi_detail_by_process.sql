CREATE INDEX act_hi_detail_by_process ON camunda.act_hi_detail (proc_inst_id_)
