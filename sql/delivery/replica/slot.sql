-- The slot: whether the replica is connected to it, and how much of the source's log it keeps from being removed.
SELECT
    active AS is_active,
    coalesce(wal_status, 'unknown') AS wal_status,
    coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn), 0)::bigint AS retained_bytes
FROM pg_replication_slots
WHERE slot_name = %(name)s AND database = current_database()
