-- The rows of each day of a span that has messages, and a checksum of their texts. An index range of created_at, and a
-- look-up of each message's chat.
SELECT
    texts.partition_key,
    count(*) AS row_count,
    coalesce(max(texts.id), 0) AS newest,
    sum(cast(conv(left(md5(texts.row_text), 15), 16, 10) AS unsigned)) AS checksum
FROM (
    SELECT
        given.id,
        date_format(given.created_at, '%%Y-%%m-%%d') AS partition_key,
        {row} AS row_text
    FROM ({query}) AS given
    WHERE {is_row}
) AS texts
GROUP BY texts.partition_key
