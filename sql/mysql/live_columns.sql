SELECT
    column_name AS name,
    column_type AS type,
    is_nullable AS nullable,
    collation_name AS collation,
    column_default AS default_value,
    extra
FROM information_schema.columns
WHERE table_schema = %(schema)s AND table_name = %(name)s
ORDER BY ordinal_position
