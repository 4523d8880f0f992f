DELETE live
FROM {table} AS live
INNER JOIN {touched} AS touched ON {matches}
