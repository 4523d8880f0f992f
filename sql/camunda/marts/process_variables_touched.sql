-- In doubt: the present value came from this window, and the window no longer has it, or has it
-- withdrawn.
WITH in_window AS (
    SELECT
        var_inst_id_,
        max(sequence_counter_) FILTER (WHERE NOT is_withdrawn_) AS sequence_counter_
    FROM camunda.act_hi_detail
    WHERE
        time_ >= %(start)s
        AND time_ < %(end)s
        AND type_ = 'VariableUpdate'
        AND var_inst_id_ IS NOT NULL
    GROUP BY var_inst_id_
),

from_window AS (
    SELECT
        var_inst_id_,
        sequence_counter_,
        is_withdrawn
    FROM camunda.process_variables
    WHERE time_ >= %(start)s AND time_ < %(end)s
)

SELECT
    var_inst_id_,
    from_window.var_inst_id_ IS NOT NULL
    AND (
        from_window.is_withdrawn
        OR in_window.sequence_counter_ IS NULL
        OR from_window.sequence_counter_ IS NULL
        OR in_window.sequence_counter_ < from_window.sequence_counter_
    ) AS in_doubt,
    NULL::timestamptz AS since
FROM in_window
FULL JOIN from_window USING (var_inst_id_)
