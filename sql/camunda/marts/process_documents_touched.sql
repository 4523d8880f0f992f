-- The change of this window that gives each part, by the order that the rebuild has too: counter, time, revision,
-- id. In doubt: several variable instances of a process bear one name, or a change is withdrawn, or the present
-- value came from this window and the window no longer has it. Then the whole history of the process has to tell.
-- Of a contested process a change that gives no value counts too, and it may be gone: so each window among its
-- changes touches it.
WITH in_window AS (
    SELECT
        proc_inst_id_,
        min(var_inst_id_) FILTER (WHERE name_ = 'docIds') AS doc_ids_first,
        max(var_inst_id_) FILTER (WHERE name_ = 'docIds') AS doc_ids_last,
        max(sequence_counter_) FILTER (WHERE name_ = 'docIds') AS doc_ids_sequence_,
        (
            array_agg(
                id_
                ORDER BY sequence_counter_ DESC NULLS LAST, time_ DESC, rev_ DESC NULLS LAST, id_ DESC
            ) FILTER (WHERE name_ = 'docIds')
        )[1] AS doc_ids_detail_id_,
        min(var_inst_id_) FILTER (WHERE name_ = 'contextData') AS context_data_first,
        max(var_inst_id_) FILTER (WHERE name_ = 'contextData') AS context_data_last,
        max(sequence_counter_) FILTER (WHERE name_ = 'contextData') AS context_data_sequence_,
        (
            array_agg(
                id_
                ORDER BY sequence_counter_ DESC NULLS LAST, time_ DESC, rev_ DESC NULLS LAST, id_ DESC
            ) FILTER (WHERE name_ = 'contextData')
        )[1] AS context_data_detail_id_,
        bool_or(sequence_counter_ IS NULL) AS is_uncounted,
        bool_or(is_withdrawn_) AS has_withdrawn,
        min(time_) AS first_time_
    FROM camunda.act_hi_detail
    WHERE
        time_ >= %(start)s
        AND time_ < %(end)s
        AND type_ = 'VariableUpdate'
        AND name_ IN ('docIds', 'contextData')
        AND proc_inst_id_ IS NOT NULL
        AND var_inst_id_ IS NOT NULL
    GROUP BY proc_inst_id_
),

from_window AS (
    SELECT proc_inst_id_
    FROM camunda.process_documents
    WHERE
        (doc_ids_time_ >= %(start)s AND doc_ids_time_ < %(end)s)
        OR (context_data_time_ >= %(start)s AND context_data_time_ < %(end)s)
        OR (contested_until_ >= %(start)s AND coalesce(first_time_, '-infinity') < %(end)s)
)

SELECT
    proc_inst_id_,
    in_window.doc_ids_detail_id_,
    in_window.context_data_detail_id_,
    coalesce(
        present.is_contested
        OR present.is_withdrawn
        OR in_window.has_withdrawn
        OR in_window.is_uncounted
        OR in_window.doc_ids_first <> in_window.doc_ids_last
        OR in_window.context_data_first <> in_window.context_data_last
        OR in_window.doc_ids_first <> present.doc_ids_var_inst_id_
        OR in_window.context_data_first <> present.context_data_var_inst_id_,
        FALSE
    )
    OR coalesce(
        present.doc_ids_time_ >= %(start)s
        AND present.doc_ids_time_ < %(end)s
        AND coalesce(in_window.doc_ids_sequence_, -1) < coalesce(present.doc_ids_sequence_, 0),
        FALSE
    )
    OR coalesce(
        present.context_data_time_ >= %(start)s
        AND present.context_data_time_ < %(end)s
        AND coalesce(in_window.context_data_sequence_, -1) < coalesce(present.context_data_sequence_, 0),
        FALSE
    ) AS in_doubt,
    CASE
        WHEN present.proc_inst_id_ IS NULL OR present.first_time_ IS NOT NULL
            THEN least(in_window.first_time_, present.first_time_)
    END AS since
FROM in_window
FULL JOIN from_window USING (proc_inst_id_)
LEFT JOIN camunda.process_documents AS present USING (proc_inst_id_)
