SELECT
    count(*) AS values_quarantined,
    min(reason) AS one_of_the_reasons,
    min(source_key) AS one_of_the_keys
FROM ops.quarantine
WHERE
    asset = 'camunda/process_documents'
    AND partition_key = %(partition_key)s
    AND replayed_at IS NULL
