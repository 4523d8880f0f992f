SELECT
    pg_export_snapshot() AS snapshot,
    set_config('idle_in_transaction_session_timeout', '0', TRUE) AS idle_timeout
