-- One variable instance gives each part of these processes, so its highest sequence_counter_ wins: of this
-- window's changes and of what the mart has from other windows.
WITH docs AS (
    SELECT DISTINCT ON (proc_inst_id_)
        *
    FROM (
        SELECT
            detail.proc_inst_id_,
            detail.var_inst_id_,
            detail.sequence_counter_,
            detail.time_,
            detail.id_ AS detail_id_,
            detail.text_,
            detail.json_,
            coalesce(detail.text_, '') = ''
            AND coalesce(detail.bytearray_id_, detail.long_::text, detail.double_::text) IS NULL AS is_empty,
            NULL::text [] AS known_ids,
            NULL::integer AS known_count
        FROM camunda.act_hi_detail AS detail
        WHERE
            detail.time_ >= %(start)s
            AND detail.time_ < %(end)s
            AND detail.type_ = 'VariableUpdate'
            AND detail.name_ = 'docIds'
            AND detail.var_inst_id_ IS NOT NULL
            AND detail.proc_inst_id_ IN (SELECT touched.proc_inst_id_ FROM {touched} AS touched)
        UNION ALL
        SELECT
            present.proc_inst_id_,
            present.doc_ids_var_inst_id_,
            present.doc_ids_sequence_,
            present.doc_ids_time_,
            present.doc_ids_detail_id_,
            NULL AS text_,
            NULL AS json_,
            FALSE AS is_empty,
            present.doc_ids AS known_ids,
            present.attached_documents AS known_count
        FROM camunda.process_documents AS present
        INNER JOIN {touched} AS touched ON present.proc_inst_id_ = touched.proc_inst_id_
        WHERE NOT (present.doc_ids_time_ >= %(start)s AND present.doc_ids_time_ < %(end)s)
    ) AS candidate
    ORDER BY proc_inst_id_ ASC, sequence_counter_ DESC
),

context AS (
    SELECT DISTINCT ON (proc_inst_id_)
        *
    FROM (
        SELECT
            detail.proc_inst_id_,
            detail.var_inst_id_,
            detail.sequence_counter_,
            detail.time_,
            detail.id_ AS detail_id_,
            detail.text_,
            detail.json_
        FROM camunda.act_hi_detail AS detail
        WHERE
            detail.time_ >= %(start)s
            AND detail.time_ < %(end)s
            AND detail.type_ = 'VariableUpdate'
            AND detail.name_ = 'contextData'
            AND detail.var_inst_id_ IS NOT NULL
            AND detail.proc_inst_id_ IN (SELECT touched.proc_inst_id_ FROM {touched} AS touched)
        UNION ALL
        SELECT
            present.proc_inst_id_,
            present.context_data_var_inst_id_,
            present.context_data_sequence_,
            present.context_data_time_,
            present.context_data_detail_id_,
            NULL AS text_,
            present.context_data AS json_
        FROM camunda.process_documents AS present
        INNER JOIN {touched} AS touched ON present.proc_inst_id_ = touched.proc_inst_id_
        WHERE NOT (present.context_data_time_ >= %(start)s AND present.context_data_time_ < %(end)s)
    ) AS candidate
    ORDER BY proc_inst_id_ ASC, sequence_counter_ DESC
)

SELECT
    coalesce(docs.proc_inst_id_, context.proc_inst_id_) AS proc_inst_id_,
    found.doc_ids[1] AS doc_id,
    found.doc_ids,
    CASE
        WHEN docs.known_ids IS NOT NULL THEN docs.known_count
        WHEN coalesce(docs.is_empty, TRUE) THEN 0
        ELSE camunda.attached_documents(found.document)
    END AS attached_documents,
    coalesce(context.json_, camunda.json_of_text(nullif(context.text_, ''))) AS context_data,
    greatest(docs.time_, context.time_) AS time_,
    docs.time_ AS doc_ids_time_,
    context.time_ AS context_data_time_,
    docs.var_inst_id_ AS doc_ids_var_inst_id_,
    docs.sequence_counter_ AS doc_ids_sequence_,
    docs.detail_id_ AS doc_ids_detail_id_,
    context.var_inst_id_ AS context_data_var_inst_id_,
    context.sequence_counter_ AS context_data_sequence_,
    context.detail_id_ AS context_data_detail_id_,
    FALSE AS is_contested
FROM docs
FULL JOIN context ON docs.proc_inst_id_ = context.proc_inst_id_
CROSS JOIN LATERAL (
    SELECT
        parsed.document,
        coalesce(docs.known_ids, camunda.document_ids(parsed.document), ARRAY[]::text []) AS doc_ids
    FROM (SELECT coalesce(docs.json_, camunda.json_of_text(nullif(docs.text_, ''))) AS document OFFSET 0) AS parsed
    OFFSET 0
) AS found
