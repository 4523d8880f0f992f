SELECT
    count(*) FILTER (WHERE in_doubt) AS in_doubt,
    count(*) FILTER (WHERE NOT in_doubt) AS certain,
    CASE
        WHEN count(*) FILTER (WHERE in_doubt AND since IS NULL) = 0 THEN min(since) FILTER (WHERE in_doubt)
    END AS since
FROM {touched}
