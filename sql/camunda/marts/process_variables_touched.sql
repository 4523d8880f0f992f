-- In doubt: the present value came from this window, and the window no longer has it.
WITH in_window AS (
    SELECT
        var_inst_id_,
        max(sequence_counter_) AS sequence_counter_
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
        sequence_counter_
    FROM camunda.process_variables
    WHERE time_ >= %(start)s AND time_ < %(end)s
)

SELECT
    var_inst_id_,
    from_window.var_inst_id_ IS NOT NULL
    AND (
        in_window.sequence_counter_ IS NULL
        OR from_window.sequence_counter_ IS NULL
        OR in_window.sequence_counter_ < from_window.sequence_counter_
    ) AS in_doubt,
    NULL::timestamptz AS since
FROM in_window
FULL JOIN from_window USING (var_inst_id_)
