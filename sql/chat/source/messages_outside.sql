-- Messages that belong to no partition, so that no load would bring them.
SELECT
    count(*) AS messages_outside,
    min(given.id) AS first_of_them
FROM messages AS given
WHERE
    given.created_at IS NULL
    OR given.created_at < %(from_local)s
    OR given.created_at >= %(to_local)s
    OR coalesce(month(given.created_at), 0) = 0
    OR coalesce(dayofmonth(given.created_at), 0) = 0
