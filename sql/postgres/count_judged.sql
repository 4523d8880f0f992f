SELECT
    (SELECT count(*) FROM {landed}) AS landed_rows,
    count(*) FILTER (WHERE judged.reason IS NULL) AS typed_rows,
    count(*) FILTER (WHERE judged.reason IS NOT NULL) AS rejected_rows,
    count(DISTINCT judged.place) AS places
FROM {judged} AS judged
