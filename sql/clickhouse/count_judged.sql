SELECT
    count() AS sent_rows,
    countIf(notEmpty(row_faults) OR place_of_key > 1) AS rejected_rows,
    countIf(notEmpty(value_faults)) AS faulty_rows
FROM ({judged})
