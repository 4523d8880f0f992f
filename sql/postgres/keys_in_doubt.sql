SELECT
    count(*) FILTER (WHERE in_doubt) AS in_doubt,
    count(*) FILTER (WHERE NOT in_doubt) AS certain
FROM {touched}
