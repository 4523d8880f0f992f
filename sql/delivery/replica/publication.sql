-- The tables of a publication; none if it does not exist.
SELECT array_agg(tablename ORDER BY tablename) AS tables
FROM pg_publication_tables
WHERE pubname = %(name)s AND schemaname = 'public'
