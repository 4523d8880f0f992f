-- The same figures as checksum_source.sql gives for the same rows: a sum does not depend on their order, nor do
-- bytes in UTF-8 on the server's encoding.
SELECT
    count(*) AS rows_counted,
    coalesce(
        sum(('x' || left(md5(convert_to(
            ARRAY[
                id_,
                type_,
                proc_def_key_,
                proc_def_id_,
                root_proc_inst_id_,
                proc_inst_id_,
                execution_id_,
                case_def_key_,
                case_def_id_,
                case_inst_id_,
                case_execution_id_,
                task_id_,
                act_inst_id_,
                var_inst_id_,
                name_,
                var_type_,
                rev_::text,
                encode(timestamptz_send(time_), 'hex'),
                bytearray_id_,
                encode(float8send(double_), 'hex'),
                long_::text,
                text_,
                text2_,
                sequence_counter_::text,
                tenant_id_,
                operation_id_,
                encode(timestamptz_send(removal_time_), 'hex'),
                initial_::text,
                NULL
            ]::text,
            'UTF8'
        )), 15))::bit(60)::bigint),
        0
    ) AS checksum
FROM camunda.act_hi_detail
WHERE time_ >= %(start)s AND time_ < %(end)s AND NOT is_purged_ AND NOT is_withdrawn_
