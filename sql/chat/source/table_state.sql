-- The rows that follow a number, and a checksum of their texts: a part of a table, within a probe's time. Rows without
-- a number come first. A sum does not depend on the rows' order.
SELECT
    count(*) AS row_count,
    coalesce(max(texts.id), 0) AS newest,
    coalesce(sum(if({is_row}, cast(conv(left(md5(texts.row_text), 15), 16, 10) AS unsigned), 0)), 0) AS checksum,
    coalesce(sum({is_row}), 0) AS counted
FROM (
    SELECT
        given.*,
        {row} AS row_text
    FROM ({query}) AS given
    WHERE given.id > %(after)s OR (%(is_first)s AND given.id IS NULL)
    ORDER BY given.id
    LIMIT %(most)s
) AS texts
