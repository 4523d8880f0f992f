CREATE INDEX act_hi_detail_by_variable ON camunda.act_hi_detail (var_inst_id_)
