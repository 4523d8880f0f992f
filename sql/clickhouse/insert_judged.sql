INSERT INTO {stage} ({columns})
SELECT {expressions}
FROM ({judged})
WHERE empty(row_faults) AND place_of_key = 1
