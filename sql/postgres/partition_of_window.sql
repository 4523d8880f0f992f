SELECT
    namespace.nspname AS schema_name,
    child.relname AS table_name
FROM pg_inherits AS link
INNER JOIN pg_class AS child ON link.inhrelid = child.oid
INNER JOIN pg_namespace AS namespace ON child.relnamespace = namespace.oid
WHERE
    link.inhparent = to_regclass(%(table)s)
    AND child.relname = %(name)s
