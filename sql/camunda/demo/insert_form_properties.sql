-- What was submitted in a form: of a wanted name too, where a value must not be mistaken for a variable's.
INSERT INTO act_hi_detail (
    id_, type_, proc_def_key_, proc_def_id_, root_proc_inst_id_, proc_inst_id_, execution_id_, task_id_, act_inst_id_,
    name_, time_, text_, sequence_counter_, tenant_id_, operation_id_, removal_time_
)
SELECT
    pg_temp.identifier('form', n),
    'FormProperty',
    instance.proc_def_key,
    instance.proc_def_id,
    instance.root_proc_inst_id,
    instance.proc_inst_id,
    instance.proc_inst_id,
    pg_temp.identifier('task', n),
    'Task_Form:' || instance.proc_inst_id,
    CASE
        WHEN n >= %(wanted_forms)s THEN 'formComment'
        WHEN mod(n, 2) = 0 THEN 'docIds'
        ELSE 'contextData'
    END,
    date_trunc('milliseconds', instance.started + (instance.stopped - instance.started) * pg_temp.unit(n, 51))
    AT TIME ZONE %(zone)s,
    CASE
        WHEN n >= %(wanted_forms)s THEN 'as submitted: ' || n
        WHEN mod(n, 2) = 0 THEN '{"report.AttachedDocuments": [{"doc.id": "FORM-' || n || '"}]}'
        ELSE '{"form": ' || n || '}'
    END,
    1,
    instance.tenant_id,
    pg_temp.identifier('operation', n),
    instance.removal AT TIME ZONE %(zone)s
FROM generate_series(0, %(wanted_forms)s::bigint + %(other_forms)s - 1) AS n
INNER JOIN generated_instance AS instance ON instance.instance_no = pg_temp.pick(n, 50, %(instances)s)
