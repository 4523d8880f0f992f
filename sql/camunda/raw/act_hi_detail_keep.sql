-- Camunda never takes a change back. A row that is gone at the source was purged by its clean-up, or withdrawn:
-- the engine was restored from a backup, or somebody deleted the row. Only then does its process live on, with
-- rows that the clean-up may not delete yet. Rows of variables that are no longer wanted go. So do those that the
-- source has on another day: their day is loaded as well. Rows beyond the commit-safe bound are at the source and
-- stay as they are.
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
    published.id_ <> ALL(%(keys_here)s) AND NOT judged.is_withdrawn AS is_purged_,
    judged.is_withdrawn AS is_withdrawn_
FROM camunda.act_hi_detail AS published
CROSS JOIN
    LATERAL (
        SELECT
            published.id_ <> ALL(%(keys_here)s)
            AND (
                published.is_withdrawn_
                OR (
                    coalesce(published.proc_inst_id_ = ANY(%(processes)s), FALSE)
                    AND (published.removal_time_ IS NULL OR published.removal_time_ > clock_timestamp())
                )
            ) AS is_withdrawn
    ) AS judged
WHERE
    published.time_ >= %(start)s
    AND published.time_ < %(end)s
    AND (%(all_variables)s OR published.name_ = ANY(%(variables)s))
    AND NOT EXISTS (SELECT 1 FROM {staged} AS staged WHERE staged.id_ = published.id_)
    AND NOT published.id_ = ANY(%(keys_elsewhere)s)
