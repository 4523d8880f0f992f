SELECT
    coalesce(sum(in_doubt), 0) AS in_doubt,
    coalesce(sum(1 - in_doubt), 0) AS certain
FROM {touched}
