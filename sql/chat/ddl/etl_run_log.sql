-- The chat's runs, a row each, as the chat's former loader logged them; from the platform's run log. Each hour's
-- schedule may be several runs.
CREATE VIEW chat_analytics.etl_run_log AS
SELECT
    run_id,
    min(started_at) AS start_time,
    if(countIf(load_status = 'running') > 0, NULL, max(finished_at)) AS end_time,
    multiIf(
        countIf(load_status = 'running') > 0, 'in_progress',
        countIf(load_status IN ('failed', 'killed')) > 0, 'failed',
        'success'
    ) AS status,
    sumIf(rows_written, asset = 'chat/users' AND load_status = 'success') AS users_processed,
    sumIf(rows_written, asset = 'chat/chats' AND load_status = 'success') AS chats_processed,
    sumIf(rows_written, asset = 'chat/messages' AND load_status = 'success') AS messages_processed,
    maxIf(
        toUInt64OrZero(extract(coalesce(fingerprint, ''), 'newest (\\d+)')),
        asset = 'chat/messages' AND load_status = 'success'
    ) AS last_processed_message_id,
    anyIf(error, error IS NOT NULL) AS error_message,
    dateDiff('microsecond', min(started_at), max(coalesce(finished_at, now64(6, 'UTC')))) / 1000000
        AS execution_time_seconds
FROM (
    SELECT
        *,
        status AS load_status
    FROM ops.etl_run_log
    WHERE startsWith(asset, 'chat/')
) AS loads
GROUP BY run_id
