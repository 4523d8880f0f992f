-- Not BRIN: see process_variables_by_time.
CREATE INDEX process_documents_by_doc_ids_time ON camunda.process_documents (doc_ids_time_)
