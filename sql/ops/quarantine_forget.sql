DELETE FROM ops.quarantine
WHERE id IN ({entries})
