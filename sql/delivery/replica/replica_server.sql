-- What the replica's server allows.
SELECT
    current_setting('max_logical_replication_workers')::bigint AS workers,
    (
        current_setting('max_replication_slots')::bigint
        - (SELECT count(*) FROM pg_subscription)
        - (SELECT count(*) FROM pg_replication_slots)
    ) AS free_origins,
    has_database_privilege(current_database(), 'CREATE') AS may_create,
    has_schema_privilege('public', 'CREATE') AS may_create_tables
