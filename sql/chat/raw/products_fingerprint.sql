-- The same text as chat/source/products_fingerprint.sql gives for the same rows: a sum does not depend on their order.
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
            toString(seller_id),
            toDecimalString(price, 2),
            coalesce(toString(created_at), '~'),
            toString(lengthUTF8(name)),
            toString(isNull(description)),
            name,
            coalesce(description, '')
        ) AS row_text
    FROM {staged:Identifier}
) AS texts
