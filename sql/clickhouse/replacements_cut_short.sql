-- The partitions that a table has, or was about to get, of another whose name ends so. That name begins with the
-- table's: io_managers/clickhouse_session.py. If there is no such table any more, they are nobody's.
SELECT
    splitByString('__', parts.table)[1] AS live_database,
    splitByString('__', parts.table)[2] AS live_table,
    parts.table AS kept,
    groupUniqArray(parts.partition_id) AS partition_ids
FROM system.parts AS parts
WHERE
    parts.active
    AND parts.database = {beside:String}
    AND endsWith(parts.table, {ending:String})
    AND (splitByString('__', parts.table)[1], splitByString('__', parts.table)[2]) IN (
        SELECT
            live.database,
            live.name
        FROM system.tables AS live
    )
GROUP BY live_database, live_table, kept
ORDER BY kept
