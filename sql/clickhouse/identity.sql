SELECT id
FROM ops.warehouse
ORDER BY made_at ASC, id ASC
LIMIT 1
