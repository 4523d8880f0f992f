-- For windows whose changes were beaten by another variable instance's: no other column tells their processes.
CREATE INDEX process_documents_contested ON camunda.process_documents (contested_until_)
WHERE contested_until_ IS NOT NULL
