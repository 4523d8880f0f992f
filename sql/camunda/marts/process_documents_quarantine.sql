-- Values of this window that gave their part of a row and could not be read.
SELECT
    detail.id_ AS source_key,
    CASE
        WHEN staged.attached_documents IS NOT NULL
            THEN 'docIds lists documents without a doc.id that is a string or a number of at most 1000 bytes'
        WHEN coalesce(detail.json_, camunda.json_of_text(detail.text_)) IS NULL THEN 'docIds is not JSON'
        ELSE 'docIds has no list report.AttachedDocuments'
    END AS reason,
    coalesce(detail.text_, detail.json_::text, detail.bytes_::text, detail.long_::text) AS payload,
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
    'contextData is not JSON' AS reason,
    coalesce(detail.text_, detail.bytes_::text) AS payload,
    FALSE AS is_row
FROM {staged} AS staged
INNER JOIN camunda.act_hi_detail AS detail ON staged.context_data_detail_id_ = detail.id_
WHERE
    detail.time_ >= %(start)s
    AND detail.time_ < %(end)s
    AND staged.context_data IS NULL
    AND (detail.text_ <> '' OR detail.bytearray_id_ IS NOT NULL)
