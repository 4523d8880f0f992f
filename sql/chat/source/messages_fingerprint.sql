-- The state of each day of a span that has messages: the same text as chat/raw/messages_fingerprint.sql gives for the
-- same rows. An index range of created_at, and a look-up of each message's chat.
SELECT
    texts.partition_key,
    concat(
        'rows ', count(*), ', newest ', max(texts.id), ', checksum ',
        sum(cast(conv(left(md5(texts.row_text), 15), 16, 10) AS unsigned))
    ) AS fingerprint
FROM (
    SELECT
        given.id,
        date_format({created_at}, '%%Y-%%m-%%d') AS partition_key,
        concat_ws(
            '|',
            given.id,
            given.chat_id,
            given.sender_id,
            coalesce(chat.buyer_id, '~'),
            coalesce(chat.seller_id, '~'),
            coalesce(given.read_status, '~'),
            date_format({created_at}, '%%Y-%%m-%%d %%H:%%i:%%s.%%f'),
            CONVERT(given.message USING utf8mb4)
        ) AS row_text
    FROM messages AS given
    LEFT JOIN chats AS chat ON given.chat_id = chat.id
    WHERE
        given.created_at >= %(from_local)s
        AND given.created_at < %(to_local)s
        AND {created_at} >= %(start)s
        AND {created_at} < %(end)s
) AS texts
GROUP BY texts.partition_key
