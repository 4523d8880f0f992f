-- Whether the replica has all that the source had committed at a position of its log; NULL if there is no slot.
SELECT bool_or(confirmed_flush_lsn >= %(position)s::pg_lsn) AS has_confirmed
FROM pg_replication_slots
WHERE slot_name = %(name)s AND database = current_database()
