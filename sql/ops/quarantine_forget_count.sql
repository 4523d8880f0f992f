SELECT count(*) AS entries
FROM ops.quarantine
WHERE id IN ({entries})
