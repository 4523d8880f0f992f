-- Camunda never takes a change back: a row that is gone at the source was purged by its clean-up.
-- Rows of variables that are no longer wanted go. So do those that the source has on another day since its time zone
-- changed: their day is loaded as well.
SELECT
    published.id_,
    published.type_,
    published.proc_def_key_,
    published.proc_def_id_,
    published.root_proc_inst_id_,
    published.proc_inst_id_,
    published.execution_id_,
    published.case_def_key_,
    published.case_def_id_,
    published.case_inst_id_,
    published.case_execution_id_,
    published.task_id_,
    published.act_inst_id_,
    published.var_inst_id_,
    published.name_,
    published.var_type_,
    published.rev_,
    published.time_,
    published.bytearray_id_,
    published.double_,
    published.long_,
    published.text_,
    published.text2_,
    published.sequence_counter_,
    published.tenant_id_,
    published.operation_id_,
    published.removal_time_,
    published.initial_,
    published.bytes_,
    TRUE AS is_purged_
FROM camunda.act_hi_detail AS published
WHERE
    published.time_ >= %(start)s
    AND published.time_ < %(end)s
    AND (%(all_variables)s OR published.name_ = ANY(%(variables)s))
    AND NOT EXISTS (SELECT 1 FROM {staged} AS staged WHERE staged.id_ = published.id_)
    AND NOT published.id_ = ANY(%(on_another_day)s)
