-- Rows of transactions that are still open may yet appear below any later moment. A role that may not
-- see others' transactions has hidden ones; a replica shows none of its primary's. A vacuum of the server's own adds no
-- rows, and takes hours on a large table.
WITH open_transactions AS (
    SELECT
        xact_start AS began,
        concat('pid ', pid, ' (', usename, ', ', coalesce(nullif(application_name, ''), backend_type), ')') AS whose
    FROM pg_stat_activity
    WHERE
        pid <> pg_backend_pid()
        AND datname = current_database()
        AND xact_start IS NOT NULL
        AND backend_type IS DISTINCT FROM 'autovacuum worker'
    UNION ALL
    SELECT
        prepared AS began,
        concat('the prepared transaction ', gid, ' (', owner, ')') AS whose
    FROM pg_prepared_xacts
    WHERE database = current_database()
),

oldest AS (
    SELECT
        began,
        whose
    FROM open_transactions
    ORDER BY began
    LIMIT 1
)

SELECT
    least(clock_timestamp(), (SELECT began FROM oldest)) AS bound,
    NOT pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') AS transactions_are_hidden,
    pg_is_in_recovery() AS is_replica,
    (SELECT whose FROM oldest WHERE began < clock_timestamp() - %(long)s) AS holds_it_back
