-- What ClickHouse has of the run log: up to where, which of the newest have ended, and which had not when copied.
SELECT
    (SELECT max(id) FROM ops.etl_run_log_entries) AS newest,
    (
        SELECT groupUniqArray(id)
        FROM ops.etl_run_log_entries
        WHERE id > newest - {reach:Int64} AND status <> 'running'
    ) AS ended_ids,
    (SELECT groupUniqArray(id) FROM ops.etl_run_log_entries WHERE status = 'running') AS open_ids
