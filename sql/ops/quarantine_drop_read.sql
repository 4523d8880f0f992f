DROP TABLE quarantine_read
