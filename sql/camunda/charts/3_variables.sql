-- Variables that processes hold now
-- By name and type; removed ones do not count.
-- @engine postgres
-- @kind ranking
SELECT
    name_ AS variable,
    count(*) AS held,
    coalesce(var_type_, 'null') AS type
FROM camunda.process_variables
WHERE NOT is_removed
GROUP BY variable, type
ORDER BY sum(count(*)) OVER (PARTITION BY name_) DESC, variable
