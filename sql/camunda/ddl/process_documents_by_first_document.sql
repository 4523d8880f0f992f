CREATE INDEX process_documents_by_first_document ON camunda.process_documents (doc_id)
