-- The first message from a moment on: one look-up in the index of created_at.
SELECT {created_at} AS created_at
FROM messages AS given
WHERE
    given.created_at >= %(from_local)s
    AND {created_at} >= %(start)s
    AND month(given.created_at) > 0
    AND dayofmonth(given.created_at) > 0
ORDER BY given.created_at
LIMIT 1
