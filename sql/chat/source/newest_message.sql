-- The newest message: one look-up in the index of created_at.
SELECT {created_at} AS created_at
FROM messages AS given
WHERE given.created_at IS NOT NULL
ORDER BY given.created_at DESC
LIMIT 1
