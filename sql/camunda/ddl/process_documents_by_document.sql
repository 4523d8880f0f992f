CREATE INDEX process_documents_by_document ON camunda.process_documents USING gin (doc_ids)
