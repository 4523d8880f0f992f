SELECT
    count() = uniqExact(metric, labels, at) AS passed,
    count() AS samples,
    count() - uniqExact(metric, labels, at) AS doubles
FROM {staged:Identifier}
