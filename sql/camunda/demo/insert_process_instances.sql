INSERT INTO act_hi_procinst (
    id_, proc_inst_id_, business_key_, proc_def_key_, proc_def_id_, start_time_, end_time_, removal_time_, duration_,
    start_user_id_, start_act_id_, end_act_id_, super_process_instance_id_, root_proc_inst_id_, tenant_id_, state_,
    delete_reason_
)
SELECT
    proc_inst_id,
    proc_inst_id,
    'A-' || lpad(instance_no::text, 8, '0'),
    proc_def_key,
    proc_def_id,
    date_trunc('milliseconds', started) AT TIME ZONE %(zone)s,
    date_trunc('milliseconds', ended) AT TIME ZONE %(zone)s,
    removal AT TIME ZONE %(zone)s,
    (extract(EPOCH FROM ended - started) * 1000)::bigint,
    CASE WHEN NOT is_called THEN 'officer' || pg_temp.pick(instance_no, 60, 40) END,
    'StartEvent_1',
    CASE WHEN ended IS NOT NULL AND NOT is_terminated THEN 'EndEvent_1' END,
    CASE WHEN is_called THEN root_proc_inst_id END,
    root_proc_inst_id,
    tenant_id,
    CASE WHEN ended IS NULL THEN 'ACTIVE' WHEN is_terminated THEN 'EXTERNALLY_TERMINATED' ELSE 'COMPLETED' END,
    CASE WHEN ended IS NOT NULL AND is_terminated THEN 'withdrawn by the client' END
FROM generated_instance
CROSS JOIN LATERAL (SELECT pg_temp.pick(root_no, 61, 50) = 0 AS is_terminated) AS outcome
