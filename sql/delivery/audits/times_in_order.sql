SELECT
    count(*) = 0 AS passed,
    count(*) AS rows_that_end_before_they_begin,
    min({key}::text) AS one_of_them
FROM {staged}
WHERE {later} < {earlier}
