-- The tables of a database whose names end so.
SELECT name AS table_name
FROM system.tables
WHERE database = {database:String} AND endsWith(name, {ending:String})
ORDER BY table_name
