-- Whether an index keeps ids apart, in all rows of the table.
SELECT count(*) > 0 AS has_key
FROM pg_class AS tables
INNER JOIN pg_index AS indexes ON tables.oid = indexes.indrelid
INNER JOIN pg_attribute AS columns
    ON tables.oid = columns.attrelid AND columns.attname = 'id' AND columns.attnum = indexes.indkey[0]
WHERE
    tables.oid = to_regclass('telemetry_data')
    -- Tables that inherit from an ordinary one have indexes of their own.
    AND (tables.relkind = 'p' OR NOT tables.relhassubclass)
    AND indexes.indisunique
    AND indexes.indisvalid
    AND indexes.indpred IS NULL
    AND indexes.indnkeyatts = 1
