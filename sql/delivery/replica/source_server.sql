-- What the source's server allows, and what is free of it.
SELECT
    current_setting('wal_level') AS wal_level,
    pg_is_in_recovery() AS is_standby,
    (current_setting('max_replication_slots')::bigint - (SELECT count(*) FROM pg_replication_slots)) AS free_slots,
    (current_setting('max_wal_senders')::bigint - (SELECT count(*) FROM pg_stat_replication)) AS free_senders,
    coalesce((SELECT rolreplication OR rolsuper FROM pg_roles WHERE rolname = current_user), FALSE) AS may_replicate,
    current_setting('max_slot_wal_keep_size', TRUE) AS log_limit,
    (
        SELECT format('%%s, database %%s', plugin, database)
        FROM pg_replication_slots
        WHERE slot_name = %(name)s AND (database <> current_database() OR plugin <> 'pgoutput')
    ) AS foreign_slot
