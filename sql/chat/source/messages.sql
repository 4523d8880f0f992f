-- A window's messages with the two sides of each one's chat: an index range of created_at, one snapshot.
SELECT
    given.id,
    given.chat_id,
    given.sender_id,
    chat.buyer_id,
    chat.seller_id,
    given.message,
    {created_at} AS created_at,
    given.read_status
FROM messages AS given
LEFT JOIN chats AS chat ON given.chat_id = chat.id
WHERE
    given.created_at >= %(from_local)s
    AND given.created_at < %(to_local)s
    AND {created_at} >= %(start)s
    AND {created_at} < %(end)s
    -- 2024-00-00 lies between the last day of a year and the first one of the next: it is of no day.
    AND month(given.created_at) > 0
    AND dayofmonth(given.created_at) > 0
