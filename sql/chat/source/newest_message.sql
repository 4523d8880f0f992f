-- The newest message that a partition holds: one look-up in the index of created_at.
SELECT {created_at} AS created_at
FROM messages AS given
WHERE
    given.created_at >= %(from_local)s
    AND given.created_at < %(to_local)s
    AND month(given.created_at) > 0
    AND dayofmonth(given.created_at) > 0
ORDER BY given.created_at DESC
LIMIT 1
