-- Checks
-- The newest result of each. Audits look at staged rows and keep bad ones out; the others look at what is published.
-- @engine dagster
-- @kind table
-- @wide
WITH newest AS (
    SELECT DISTINCT ON (asset_key, check_name)
        asset_key,
        check_name,
        execution_status,
        evaluation_event_timestamp
    FROM asset_check_executions
    WHERE execution_status IN ('SUCCEEDED', 'FAILED')
    ORDER BY asset_key, check_name, id DESC
)

SELECT
    array_to_string(ARRAY(SELECT json_array_elements_text(asset_key::json)), '/') AS "table",
    CASE execution_status WHEN 'SUCCEEDED' THEN 'passed' ELSE 'failed' END AS state,
    check_name AS "check",
    evaluation_event_timestamp AS ran_at
FROM newest
ORDER BY execution_status = 'SUCCEEDED', asset_key, check_name
