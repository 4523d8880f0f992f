-- The current value is the one with the highest sequence_counter_, and a maximum over all windows is the maximum
-- of this window's and the present one. Withdrawn changes rank below all others. Engines before 7.3 have no
-- counter: the newest row wins.
SELECT DISTINCT ON (var_inst_id_)
    var_inst_id_,
    proc_inst_id_,
    execution_id_,
    name_,
    var_type_,
    text_,
    text2_,
    long_,
    double_,
    json_,
    rev_,
    sequence_counter_,
    time_,
    is_removed,
    detail_id_,
    is_withdrawn
FROM (
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
    WHERE
        detail.time_ >= %(start)s
        AND detail.time_ < %(end)s
        AND detail.type_ = 'VariableUpdate'
        AND detail.var_inst_id_ IN (SELECT var_inst_id_ FROM {touched})
    UNION ALL
    SELECT
        present.var_inst_id_,
        present.proc_inst_id_,
        present.execution_id_,
        present.name_,
        present.var_type_,
        present.text_,
        present.text2_,
        present.long_,
        present.double_,
        present.json_,
        present.rev_,
        present.sequence_counter_,
        present.time_,
        present.is_removed,
        present.detail_id_,
        present.is_withdrawn
    FROM camunda.process_variables AS present
    INNER JOIN {touched} AS touched ON present.var_inst_id_ = touched.var_inst_id_
    WHERE NOT (present.time_ >= %(start)s AND present.time_ < %(end)s)
) AS candidate
ORDER BY
    var_inst_id_ ASC,
    is_withdrawn ASC,
    sequence_counter_ DESC NULLS LAST,
    time_ DESC,
    rev_ DESC NULLS LAST,
    detail_id_ DESC
