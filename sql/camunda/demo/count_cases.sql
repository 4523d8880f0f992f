SELECT
    CASE WHEN is_removal THEN 'removed'
        WHEN has_no_documents THEN variable.wanted_name || ' without documents'
        ELSE variable.wanted_name || ' ' || detail.body
    END
    || ' (' || detail.carrier || ')' AS what,
    count(*) AS details
FROM generated_detail AS detail
INNER JOIN generated_variable AS variable USING (variable_no)
WHERE variable.wanted_name IS NOT NULL
GROUP BY 1
ORDER BY 1
