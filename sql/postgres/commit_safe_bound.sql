-- Rows of transactions that are still open may yet appear below any later moment. A role that may not
-- see others' transactions has hidden ones; a replica shows none of its primary's.
SELECT
    least(
        clock_timestamp(),
        (SELECT min(xact_start) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()),
        (SELECT min(prepared) FROM pg_prepared_xacts WHERE database = current_database())
    ) AS bound,
    NOT pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') AS transactions_are_hidden,
    pg_is_in_recovery() AS is_replica
