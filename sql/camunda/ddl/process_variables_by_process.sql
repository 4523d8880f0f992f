CREATE INDEX process_variables_by_process ON camunda.process_variables (proc_inst_id_, name_)
