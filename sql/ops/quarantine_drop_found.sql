DROP TABLE quarantine_found
