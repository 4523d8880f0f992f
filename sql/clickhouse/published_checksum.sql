-- Rows of a table, and a checksum of their canonical texts: the source's is the same for the same rows.
SELECT
    count() AS row_count,
    sum(toUInt128(bitShiftRight(reinterpretAsUInt64(reverse(substring(MD5(row_text), 1, 8))), 4))) AS checksum
FROM (
    SELECT {row} AS row_text
    FROM {table}
    WHERE {condition}
) AS texts
