-- What the text of chat/raw/chats_fingerprint.sql says, of the rows that follow a number: a part of the table,
-- within a probe's time. A sum does not depend on the rows' order.
SELECT
    count(*) AS row_count,
    max(texts.id) AS newest,
    sum(cast(conv(left(md5(texts.row_text), 15), 16, 10) AS unsigned)) AS checksum
FROM (
    SELECT
        given.id,
        concat_ws(
            '|',
            given.id,
            given.buyer_id,
            given.seller_id,
            given.product_id,
            coalesce(date_format({created_at}, '%%Y-%%m-%%d %%H:%%i:%%s.%%f'), '~')
        ) AS row_text
    FROM chats AS given
    WHERE given.id > %(after)s
    ORDER BY given.id
    LIMIT %(most)s
) AS texts
