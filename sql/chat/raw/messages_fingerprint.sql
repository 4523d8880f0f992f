-- The same text as chat/source/messages_fingerprint.sql gives for the same rows: a sum does not depend on their order.
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
            toString(chat_id),
            toString(sender_id),
            coalesce(toString(buyer_id), '~'),
            coalesce(toString(seller_id), '~'),
            coalesce(toString(toUInt8(read_status)), '~'),
            toString(created_at),
            message
        ) AS row_text
    FROM {staged:Identifier}
    WHERE created_at >= {start:DateTime64(6, 'UTC')} AND created_at < {end:DateTime64(6, 'UTC')}
) AS texts
