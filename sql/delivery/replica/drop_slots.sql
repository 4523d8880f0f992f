-- The subscription's slot, and those of table copies that it had not finished.
SELECT pg_drop_replication_slot(slot_name) AS dropped
FROM pg_replication_slots
WHERE
    database = current_database()
    AND (slot_name = %(name)s OR slot_name LIKE 'pg\_' || %(subscription_oid)s || '\_sync\_%%')
