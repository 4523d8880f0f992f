-- How many keys are in doubt, how many are not, and of which columns they are.
SELECT
    countIf(concerned.in_doubt) AS in_doubt,
    countIf(NOT concerned.in_doubt) AS certain,
    (
        SELECT groupArray(name)
        FROM (
            SELECT name
            FROM system.columns
            WHERE database = {database:String} AND table = {table:String} AND name <> 'in_doubt'
            ORDER BY position
        ) AS in_order
    ) AS key_columns
FROM {touched} AS concerned
