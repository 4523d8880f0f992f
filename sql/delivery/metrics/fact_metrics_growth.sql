SELECT
    countIf(increase < 0 OR (kind = 'counter') = isNull(increase)) = 0 AS passed,
    countIf(kind = 'counter') AS samples_of_counters,
    sum(increase) AS grown
FROM {staged:Identifier}
