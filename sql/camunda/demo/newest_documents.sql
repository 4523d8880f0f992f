SELECT
    proc_inst_id_,
    doc_id,
    cardinality(doc_ids) AS documents,
    left(context_data::text, 60) AS context_data_begins,
    time_
FROM camunda.process_documents
WHERE doc_id IS NOT NULL AND context_data IS NOT NULL
ORDER BY time_ DESC
LIMIT 5
