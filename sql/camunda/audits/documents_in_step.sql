SELECT
    count(*) = 0 AS passed,
    count(*) AS rows_out_of_step,
    min(proc_inst_id_) AS first_of_them
FROM {staged}
WHERE
    doc_id IS DISTINCT FROM doc_ids[1]
    OR time_ IS DISTINCT FROM greatest(doc_ids_time_, context_data_time_)
