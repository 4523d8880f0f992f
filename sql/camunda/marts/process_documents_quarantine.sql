-- Values of this window that gave their part of a row and could not be read.
SELECT
    detail.id_ AS source_key,
    CASE
        WHEN staged.attached_documents IS NOT NULL
            THEN 'docIds lists documents without a doc.id that is a string or a number of at most 1000 bytes'
        WHEN
            coalesce(
                detail.json_, CASE WHEN detail.bytearray_id_ IS NULL THEN camunda.json_of_text(detail.text_) END
            ) IS NULL
            THEN camunda.unreadable(
                    detail.name_, detail.var_type_, detail.text_, detail.bytearray_id_, detail.bytes_
                )
        ELSE 'docIds has no list report.AttachedDocuments'
    END AS reason,
    coalesce(
        detail.json_::text,
        substring(detail.bytes_ FROM 1 FOR 10000000)::text,
        detail.text_,
        detail.long_::text,
        detail.double_::text
    ) AS payload,
    FALSE AS is_row
FROM {staged} AS staged
INNER JOIN camunda.act_hi_detail AS detail ON staged.doc_ids_detail_id_ = detail.id_
WHERE
    detail.time_ >= %(start)s
    AND detail.time_ < %(end)s
    AND staged.attached_documents IS DISTINCT FROM cardinality(staged.doc_ids)
UNION ALL
SELECT
    detail.id_ AS source_key,
    camunda.unreadable(
        detail.name_, detail.var_type_, detail.text_, detail.bytearray_id_, detail.bytes_
    ) AS reason,
    coalesce(
        substring(detail.bytes_ FROM 1 FOR 10000000)::text,
        detail.text_,
        detail.long_::text,
        detail.double_::text
    ) AS payload,
    FALSE AS is_row
FROM {staged} AS staged
INNER JOIN camunda.act_hi_detail AS detail ON staged.context_data_detail_id_ = detail.id_
WHERE
    detail.time_ >= %(start)s
    AND detail.time_ < %(end)s
    AND staged.context_data IS NULL
    AND (
        detail.text_ <> ''
        OR coalesce(detail.bytearray_id_, detail.long_::text, detail.double_::text) IS NOT NULL
        OR detail.bytes_ IS NOT NULL
    )
