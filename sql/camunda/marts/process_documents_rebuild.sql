-- The definition: of each variable instance the change with the highest sequence_counter_, a withdrawn one only where
-- there is no other; of several
-- instances of one name in a process the newest one that is not removed. A look-up for each key in each raw partition
-- since its first change; older ones than any key's are not even planned for.
WITH current_values AS (
    SELECT DISTINCT ON (var_inst_id_)
        *,
        min(time_) OVER (PARTITION BY proc_inst_id_) AS oldest_change,
        max(time_) OVER (PARTITION BY proc_inst_id_) AS newest_change
    FROM (
        SELECT
            change.*
        FROM {touched} AS touched
        CROSS JOIN LATERAL (
            SELECT
                detail.proc_inst_id_,
                detail.name_,
                detail.var_inst_id_,
                detail.sequence_counter_,
                detail.time_,
                detail.rev_,
                detail.is_withdrawn_,
                detail.id_ AS detail_id_,
                detail.text_,
                detail.bytearray_id_,
                detail.json_,
                detail.var_type_ IS DISTINCT FROM 'null'
                AND coalesce(
                    detail.text_, detail.text2_, detail.bytearray_id_, detail.long_::text, detail.double_::text
                ) IS NULL
                AND detail.bytes_ IS NULL AS is_removed,
                coalesce(detail.text_, '') = ''
                AND coalesce(detail.bytearray_id_, detail.long_::text, detail.double_::text) IS NULL
                AND detail.bytes_ IS NULL AS is_empty
            FROM camunda.act_hi_detail AS detail
            WHERE
                detail.proc_inst_id_ = touched.proc_inst_id_
                AND detail.type_ = 'VariableUpdate'
                AND detail.name_ IN ('docIds', 'contextData')
                AND detail.var_inst_id_ IS NOT NULL
                AND detail.time_ >= coalesce(%(since)s::timestamptz, '-infinity')
                AND detail.time_ >= coalesce(touched.since, '-infinity')
            OFFSET 0
        ) AS change
    ) AS changes
    ORDER BY
        var_inst_id_ ASC,
        is_withdrawn_ ASC,
        sequence_counter_ DESC NULLS LAST,
        time_ DESC,
        rev_ DESC NULLS LAST,
        detail_id_ DESC
),

newest AS (
    SELECT DISTINCT ON (proc_inst_id_, name_)
        *,
        coalesce(json_, CASE WHEN bytearray_id_ IS NULL THEN camunda.json_of_text(nullif(text_, '')) END) AS document,
        count(*) OVER (PARTITION BY proc_inst_id_, name_) AS instances
    FROM current_values
    ORDER BY
        proc_inst_id_ ASC,
        name_ ASC,
        is_withdrawn_ ASC,
        is_removed ASC,
        time_ DESC,
        sequence_counter_ DESC NULLS LAST,
        detail_id_ DESC
),

joined AS (
    SELECT
        coalesce(docs.proc_inst_id_, context.proc_inst_id_) AS proc_inst_id_,
        docs.document AS documents,
        coalesce(docs.is_empty, TRUE) AS is_empty,
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
        ) AS doc_ids,
        context.document AS context_data,
        docs.time_ AS doc_ids_time_,
        context.time_ AS context_data_time_,
        docs.var_inst_id_ AS doc_ids_var_inst_id_,
        docs.sequence_counter_ AS doc_ids_sequence_,
        docs.detail_id_ AS doc_ids_detail_id_,
        context.var_inst_id_ AS context_data_var_inst_id_,
        context.sequence_counter_ AS context_data_sequence_,
        context.detail_id_ AS context_data_detail_id_,
        coalesce(docs.instances, 1) > 1 OR coalesce(context.instances, 1) > 1 AS is_contested,
        coalesce(docs.is_withdrawn_, FALSE) OR coalesce(context.is_withdrawn_, FALSE) AS is_withdrawn,
        coalesce(docs.oldest_change, context.oldest_change) AS oldest_change,
        coalesce(docs.newest_change, context.newest_change) AS newest_change
    FROM (SELECT * FROM newest WHERE name_ = 'docIds') AS docs
    FULL JOIN (SELECT * FROM newest WHERE name_ = 'contextData') AS context
        ON docs.proc_inst_id_ = context.proc_inst_id_
)

SELECT
    proc_inst_id_,
    doc_ids[1] AS doc_id,
    doc_ids,
    CASE WHEN is_empty THEN 0 ELSE camunda.attached_documents(documents) END AS attached_documents,
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
    is_contested,
    oldest_change AS first_time_,
    CASE WHEN is_contested THEN newest_change END AS contested_until_,
    is_withdrawn
FROM joined
