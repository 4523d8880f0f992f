SELECT
    {key} AS {name},
    {columns}
FROM ({query}) AS given
