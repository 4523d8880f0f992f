-- By which column each index is ordered first, as EXPLAIN writes it. None of those that lead with an expression, nor of
-- other kinds than B-trees: they have no first column, or find by any of theirs.
SELECT
    index_.relname AS index_name,
    array_agg(quote_ident(attribute.attname)) AS leads
FROM pg_class AS index_
INNER JOIN pg_am AS method ON index_.relam = method.oid
INNER JOIN pg_index AS ordered ON index_.oid = ordered.indexrelid
INNER JOIN pg_attribute AS attribute
    ON ordered.indrelid = attribute.attrelid AND ordered.indkey[0] = attribute.attnum
WHERE index_.relname = ANY(%(indexes)s) AND method.amname = 'btree'
GROUP BY index_.relname
