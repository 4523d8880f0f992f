-- Windows arrive in the order of time, for which a BRIN index of a few pages is enough.
CREATE INDEX process_documents_by_time ON camunda.process_documents
USING brin (doc_ids_time_, context_data_time_) WITH (autosummarize = on)
