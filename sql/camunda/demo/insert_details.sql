INSERT INTO act_hi_detail (
    id_, type_, proc_def_key_, proc_def_id_, root_proc_inst_id_, proc_inst_id_, execution_id_, act_inst_id_,
    var_inst_id_, name_, var_type_, rev_, time_, bytearray_id_, double_, long_, text_, text2_, sequence_counter_,
    tenant_id_, removal_time_, initial_
)
SELECT
    pg_temp.identifier('detail', detail.variable_no * 4096 + detail.version),
    'VariableUpdate',
    instance.proc_def_key,
    instance.proc_def_id,
    instance.root_proc_inst_id,
    instance.proc_inst_id,
    CASE variable.scope WHEN 'local' THEN pg_temp.identifier('execution', detail.variable_no)
        ELSE instance.proc_inst_id
    END,
    CASE
        WHEN variable.scope = 'local' THEN 'Task_Report:' || instance.proc_inst_id
        WHEN detail.version > 1 THEN 'Task_Check:' || instance.proc_inst_id
        ELSE instance.proc_inst_id
    END,
    variable.var_inst_id,
    variable.name,
    detail.var_type,
    detail.version - 1,
    detail.time_,
    CASE WHEN detail.bytes IS NOT NULL
            THEN pg_temp.identifier('detail-bytes', detail.variable_no * 4096 + detail.version)
    END,
    detail.double_,
    detail.long_,
    detail.text_,
    detail.text2_,
    detail.version,
    instance.tenant_id,
    instance.removal AT TIME ZONE %(zone)s,
    detail.version = 1 AND variable.scope IN ('process', 'other')
FROM generated_detail AS detail
INNER JOIN generated_variable AS variable USING (variable_no)
INNER JOIN generated_instance AS instance USING (instance_no)
-- As the engine would have written them: in the order of time.
ORDER BY detail.time_
