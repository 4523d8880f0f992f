-- Not BRIN: see process_variables_by_time.
CREATE INDEX process_documents_by_context_data_time ON camunda.process_documents (context_data_time_)
