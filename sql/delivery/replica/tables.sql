-- Tables of the schema public: their kind, their columns, and what of them has no key by which UPDATE and DELETE could
-- be published: PostgreSQL refuses these statements on such a table once it is part of a publication.
WITH RECURSIVE leaf AS (
    SELECT
        root.oid AS root,
        root.oid
    FROM pg_class AS root
    WHERE root.relnamespace = 'public'::regnamespace AND root.relname = ANY(%(tables)s)
    UNION ALL
    SELECT
        leaf.root,
        part.inhrelid AS oid
    FROM leaf
    INNER JOIN pg_inherits AS part ON leaf.oid = part.inhparent
)

SELECT
    there.relname::text AS name,
    there.relkind::text AS kind,
    there.relpersistence::text AS persistence,
    row_security_active(there.oid) AS hides_rows,
    has_table_privilege(there.oid, 'SELECT') AS may_read,
    pg_has_role(there.relowner, 'USAGE') AS is_owner,
    (
        SELECT
            coalesce(
                jsonb_object_agg(there_column.attname, format_type(there_column.atttypid, there_column.atttypmod)),
                '{{}}'
            )
        FROM pg_attribute AS there_column
        WHERE
            there_column.attrelid = there.oid
            AND there_column.attnum > 0
            AND NOT there_column.attisdropped
            -- Older servers have no generated columns.
            AND coalesce(to_jsonb(there_column) ->> 'attgenerated', '') = ''
    ) AS columns,
    array(
        SELECT kept.oid::regclass::text
        FROM leaf
        INNER JOIN pg_class AS kept ON leaf.oid = kept.oid
        WHERE
            leaf.root = there.oid
            AND kept.relkind = 'r'
            AND kept.relreplident <> 'f'
            AND NOT EXISTS (
                SELECT 1
                FROM pg_index AS identity_index
                WHERE
                    identity_index.indrelid = kept.oid
                    AND identity_index.indisvalid
                    AND identity_index.indimmediate
                    AND CASE kept.relreplident
                        WHEN 'd' THEN identity_index.indisprimary
                        WHEN 'i' THEN identity_index.indisreplident
                        ELSE FALSE
                    END
            )
        ORDER BY kept.oid::regclass::text
    ) AS without_identity
FROM pg_class AS there
WHERE
    there.relnamespace = 'public'::regnamespace
    AND there.relname = ANY(%(tables)s)
    AND there.relkind IN ('r', 'p', 'v', 'm', 'f')
ORDER BY there.relname
