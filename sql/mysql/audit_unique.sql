SELECT
    count(*) = 0 AS passed,
    count(*) AS keys_with_several_rows,
    min(key_text) AS first_of_them
FROM (
    SELECT concat_ws(', ', {key}) AS key_text
    FROM {staged}
    GROUP BY {key}
    HAVING count(*) > 1
) AS repeated
