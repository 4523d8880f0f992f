-- And one for each variable instance's current value.
INSERT INTO act_ge_bytearray (
    id_, rev_, name_, bytes_, type_, tenant_id_, create_time_, root_proc_inst_id_, removal_time_
)
SELECT
    pg_temp.identifier('variable-bytes', detail.variable_no),
    detail.version,
    variable.name,
    detail.bytes,
    3,
    instance.tenant_id,
    detail.time_,
    instance.root_proc_inst_id,
    instance.removal AT TIME ZONE %(zone)s
FROM generated_detail AS detail
INNER JOIN generated_variable AS variable USING (variable_no)
INNER JOIN generated_instance AS instance USING (instance_no)
WHERE detail.bytes IS NOT NULL AND detail.is_current
