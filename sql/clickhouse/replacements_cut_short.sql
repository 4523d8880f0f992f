-- The partitions that a table has, or was about to get, of another whose name ends so. That name begins with the
-- table's: io_managers/clickhouse_session.py. What the table was, if it is no more, is nobody's.
SELECT
    splitByString('__', parts.table)[1] AS live_database,
    splitByString('__', parts.table)[2] AS live_table,
    parts.table AS kept,
    groupUniqArray(parts.partition_id) AS partition_ids
FROM system.parts AS parts
INNER JOIN system.tables AS live ON live_database = live.database AND live_table = live.name
WHERE parts.active AND parts.database = {beside:String} AND endsWith(parts.table, {ending:String})
GROUP BY live_database, live_table, kept
ORDER BY kept
