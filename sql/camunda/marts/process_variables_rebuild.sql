-- The definition: of each variable instance the change with the highest sequence_counter_; a withdrawn one only where
-- there is no other. Reads all raw partitions by their index, a look-up for each key.
SELECT
    newest.var_inst_id_,
    newest.proc_inst_id_,
    newest.execution_id_,
    newest.name_,
    newest.var_type_,
    newest.text_,
    newest.text2_,
    newest.long_,
    newest.double_,
    newest.json_,
    newest.rev_,
    newest.sequence_counter_,
    newest.time_,
    newest.is_removed,
    newest.detail_id_,
    newest.is_withdrawn
FROM {touched} AS touched
CROSS JOIN LATERAL (
    SELECT
        detail.var_inst_id_,
        detail.proc_inst_id_,
        detail.execution_id_,
        detail.name_,
        detail.var_type_,
        detail.text_,
        detail.text2_,
        detail.long_,
        detail.double_,
        detail.json_,
        detail.rev_,
        detail.sequence_counter_,
        detail.time_,
        detail.var_type_ IS DISTINCT FROM 'null'
        AND coalesce(
            detail.text_, detail.text2_, detail.bytearray_id_, detail.long_::text, detail.double_::text
        ) IS NULL
        AND detail.bytes_ IS NULL AS is_removed,
        detail.id_ AS detail_id_,
        detail.is_withdrawn_ AS is_withdrawn
    FROM camunda.act_hi_detail AS detail
    WHERE detail.var_inst_id_ = touched.var_inst_id_ AND detail.type_ = 'VariableUpdate'
    ORDER BY
        detail.is_withdrawn_ ASC,
        detail.sequence_counter_ DESC NULLS LAST,
        detail.time_ DESC,
        detail.rev_ DESC NULLS LAST,
        detail.id_ DESC
    LIMIT 1
) AS newest
