-- One variable instance gives each part of these processes, so its newest change wins, by counter and time: of this
-- window's changes, which {touched} knows, or of what the mart has from other windows. A tie of both is within one
-- window, whose newest change {touched} chose by revision and id.
WITH docs AS (
    SELECT
        proc_inst_id_,
        var_inst_id_,
        sequence_counter_,
        time_,
        id_,
        coalesce(json_, CASE WHEN bytearray_id_ IS NULL THEN camunda.json_of_text(nullif(text_, '')) END) AS document,
        coalesce(text_, '') = ''
        AND coalesce(bytearray_id_, long_::text, double_::text) IS NULL
        AND bytes_ IS NULL AS is_empty
    FROM camunda.act_hi_detail
    WHERE time_ >= %(start)s AND time_ < %(end)s AND type_ = 'VariableUpdate' AND name_ = 'docIds'
),

context AS (
    SELECT
        proc_inst_id_,
        var_inst_id_,
        sequence_counter_,
        time_,
        id_,
        coalesce(json_, CASE WHEN bytearray_id_ IS NULL THEN camunda.json_of_text(nullif(text_, '')) END) AS document
    FROM camunda.act_hi_detail
    WHERE time_ >= %(start)s AND time_ < %(end)s AND type_ = 'VariableUpdate' AND name_ = 'contextData'
),

joined AS (
    SELECT
        touched.proc_inst_id_,
        touched.since AS first_time_,
        docs.id_ IS NULL AS keeps_doc_ids,
        context.id_ IS NULL AS keeps_context_data,
        present.doc_ids AS present_doc_ids,
        present.attached_documents AS present_attached_documents,
        docs.document AS documents,
        docs.is_empty,
        ARRAY(
            SELECT found.id #>> ARRAY[]::text[]
            FROM jsonb_path_query(
                    docs.document,
                    'strict $."report.AttachedDocuments"[*]
                    ? (@."doc.id".type() == "string" || @."doc.id".type() == "number")."doc.id"',
                    silent => TRUE
                ) AS found (id)
            -- A page of an index holds no key of 2.7 kB, and the whole day would fail.
            WHERE octet_length(found.id #>> ARRAY[]::text[]) <= 1000
        ) AS new_doc_ids,
        CASE WHEN context.id_ IS NULL THEN present.context_data ELSE context.document END AS context_data,
        coalesce(docs.time_, present.doc_ids_time_) AS doc_ids_time_,
        coalesce(docs.var_inst_id_, present.doc_ids_var_inst_id_) AS doc_ids_var_inst_id_,
        coalesce(docs.sequence_counter_, present.doc_ids_sequence_) AS doc_ids_sequence_,
        coalesce(docs.id_, present.doc_ids_detail_id_) AS doc_ids_detail_id_,
        coalesce(context.time_, present.context_data_time_) AS context_data_time_,
        coalesce(context.var_inst_id_, present.context_data_var_inst_id_) AS context_data_var_inst_id_,
        coalesce(context.sequence_counter_, present.context_data_sequence_) AS context_data_sequence_,
        coalesce(context.id_, present.context_data_detail_id_) AS context_data_detail_id_
    FROM {touched} AS touched
    LEFT JOIN camunda.process_documents AS present ON touched.proc_inst_id_ = present.proc_inst_id_
    LEFT JOIN docs
        ON
            touched.proc_inst_id_ = docs.proc_inst_id_
            AND touched.doc_ids_detail_id_ = docs.id_
            AND (
                (present.doc_ids_time_ >= %(start)s AND present.doc_ids_time_ < %(end)s)
                OR present.doc_ids_time_ IS NULL
                OR (docs.sequence_counter_, docs.time_)
                > (coalesce(present.doc_ids_sequence_, -1), present.doc_ids_time_)
            )
    LEFT JOIN context
        ON
            touched.proc_inst_id_ = context.proc_inst_id_
            AND touched.context_data_detail_id_ = context.id_
            AND (
                (present.context_data_time_ >= %(start)s AND present.context_data_time_ < %(end)s)
                OR present.context_data_time_ IS NULL
                OR (context.sequence_counter_, context.time_)
                > (coalesce(present.context_data_sequence_, -1), present.context_data_time_)
            )
    OFFSET 0 -- A fence: else new_doc_ids is computed wherever it is named.
)

SELECT
    proc_inst_id_,
    CASE WHEN keeps_doc_ids THEN present_doc_ids[1] ELSE new_doc_ids[1] END AS doc_id,
    CASE WHEN keeps_doc_ids THEN coalesce(present_doc_ids, ARRAY[]::text[]) ELSE new_doc_ids END AS doc_ids,
    CASE
        WHEN doc_ids_time_ IS NULL THEN 0
        WHEN keeps_doc_ids THEN present_attached_documents
        WHEN is_empty THEN 0
        ELSE camunda.attached_documents(documents)
    END AS attached_documents,
    context_data,
    greatest(doc_ids_time_, context_data_time_) AS time_,
    doc_ids_time_,
    context_data_time_,
    doc_ids_var_inst_id_,
    doc_ids_sequence_,
    doc_ids_detail_id_,
    context_data_var_inst_id_,
    context_data_sequence_,
    context_data_detail_id_,
    FALSE AS is_contested,
    first_time_,
    NULL::timestamptz AS contested_until_,
    FALSE AS is_withdrawn
FROM joined
