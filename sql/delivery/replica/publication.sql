-- The tables of a publication; NULL if it does not exist.
SELECT
    CASE
        WHEN EXISTS (SELECT 1 FROM pg_publication WHERE pubname = %(name)s)
            THEN array(
                    SELECT published.tablename::text
                    FROM pg_publication_tables AS published
                    WHERE published.pubname = %(name)s AND published.schemaname = 'public'
                    ORDER BY published.tablename
                )
    END AS tables
