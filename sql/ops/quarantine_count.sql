SELECT
    count(*) FILTER (WHERE is_row) AS quarantined_rows,
    count(*) FILTER (WHERE NOT is_row) AS quarantined_values
FROM quarantine_found
