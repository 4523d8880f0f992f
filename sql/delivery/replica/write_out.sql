-- Has the source write out its log: a transaction with a number of its own ends with a record, and that is flushed
-- within wal_writer_delay, with all before it. Nothing else is written.
SELECT txid_current() AS transaction_id
