SELECT DISTINCT live.{column} AS moment
FROM {touched} AS touched
INNER JOIN {table} AS live ON {matches}
WHERE live.{column} < %(start)s OR live.{column} >= %(end)s
