-- The same text as chat/raw/chats_fingerprint.sql gives for the same rows: a sum does not depend on their order.
SELECT
    concat(
        'rows ', count(*), ', newest ', coalesce(max(texts.id), 0), ', checksum ',
        coalesce(sum(cast(conv(left(md5(texts.row_text), 15), 16, 10) AS unsigned)), 0)
    ) AS fingerprint
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
) AS texts
