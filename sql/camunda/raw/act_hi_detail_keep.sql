-- Camunda never takes a change back: a row that is gone at the source was purged by its clean-up.
-- Rows of variables that are no longer wanted go. So do those that are missing since the day was last read in another
-- time zone: they are in a neighbouring day now.
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
    AND (
        published.is_purged_
        OR (
            SELECT right(last_load.fingerprint, length(%(zone)s) + 4) = ' in ' || %(zone)s
            FROM ops.etl_run_log AS last_load
            WHERE
                last_load.asset = 'camunda/act_hi_detail'
                AND last_load.partition_key = to_char(%(start)s AT TIME ZONE 'UTC', 'YYYY-MM-DD')
                AND last_load.status = 'success'
            ORDER BY last_load.id DESC
            LIMIT 1
        )
    )
