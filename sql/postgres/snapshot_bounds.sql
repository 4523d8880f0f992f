SELECT
    count(*) AS rows_counted,
    min({key}) AS lowest,
    max({key}) AS highest
FROM ({query}) AS given
