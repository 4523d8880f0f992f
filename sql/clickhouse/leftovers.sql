SELECT name
FROM system.tables
WHERE database = {database:String} AND match(name, {pattern:String})
