SELECT
    count() = 0 AS passed,
    count() AS keys_with_several_rows,
    minOrNull(key_text) AS first_of_them
FROM (
    SELECT toString(tuple({key})) AS key_text
    FROM {staged:Identifier}
    GROUP BY {key}
    HAVING count() > 1
) AS repeated
