-- The tables that `marts replica create` made in this database.
SELECT relname AS name
FROM pg_class
WHERE
    relnamespace = 'public'::regnamespace
    AND relkind = 'r'
    AND obj_description(oid, 'pg_class') = 'A replica made by marts_platform: nothing else may write here.'
ORDER BY relname
