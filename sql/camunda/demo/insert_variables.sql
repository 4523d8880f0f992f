-- The engine keeps a removed variable's last value and says so in state_.
INSERT INTO act_hi_varinst (
    id_, proc_def_key_, proc_def_id_, root_proc_inst_id_, proc_inst_id_, execution_id_, act_inst_id_, name_, var_type_,
    create_time_, rev_, bytearray_id_, double_, long_, text_, text2_, tenant_id_, state_, removal_time_
)
SELECT
    variable.var_inst_id,
    instance.proc_def_key,
    instance.proc_def_id,
    instance.root_proc_inst_id,
    instance.proc_inst_id,
    CASE variable.scope WHEN 'local' THEN pg_temp.identifier('execution', detail.variable_no)
        ELSE instance.proc_inst_id
    END,
    CASE variable.scope WHEN 'local' THEN 'Task_Report:' || instance.proc_inst_id ELSE instance.proc_inst_id END,
    variable.name,
    detail.var_type,
    date_trunc('milliseconds', variable.first_set) AT TIME ZONE %(zone)s,
    detail.version - 1,
    CASE WHEN detail.bytes IS NOT NULL THEN pg_temp.identifier('variable-bytes', detail.variable_no) END,
    detail.double_,
    detail.long_,
    detail.text_,
    detail.text2_,
    instance.tenant_id,
    CASE WHEN variable.is_removed THEN 'DELETED' ELSE 'CREATED' END,
    instance.removal AT TIME ZONE %(zone)s
FROM generated_detail AS detail
INNER JOIN generated_variable AS variable USING (variable_no)
INNER JOIN generated_instance AS instance USING (instance_no)
WHERE detail.is_current
