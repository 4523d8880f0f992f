-- Up to where the source has written its log: whatever is committed by now lies below.
SELECT pg_current_wal_insert_lsn()::text AS position
