-- The same text as chat/source/chats_fingerprint.sql gives for the same rows: a sum does not depend on their order.
SELECT
    concat(
        'rows ', toString(count()), ', newest ', toString(max(id)), ', checksum ',
        toString(sum(toUInt128(bitShiftRight(reinterpretAsUInt64(reverse(substring(MD5(row_text), 1, 8))), 4))))
    ) AS fingerprint
FROM (
    SELECT
        id,
        concatWithSeparator(
            '|',
            toString(id),
            toString(buyer_id),
            toString(seller_id),
            toString(product_id),
            coalesce(toString(created_at), '~')
        ) AS row_text
    FROM chat_raw.chats
) AS texts
