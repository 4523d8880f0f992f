-- How many documents a process has attached
-- @engine postgres
-- @kind bars
-- @unit processes
SELECT
    CASE WHEN cardinality(doc_ids) < 10 THEN cardinality(doc_ids)::text ELSE '10+' END AS documents,
    count(*) AS processes
FROM camunda.process_documents
GROUP BY least(cardinality(doc_ids), 10), documents
ORDER BY least(cardinality(doc_ids), 10)
