SELECT
    countIf(concerned.in_doubt) AS in_doubt,
    countIf(NOT concerned.in_doubt) AS certain
FROM {touched} AS concerned
