SELECT count(*) AS standing
FROM quarantine_found
