-- Rows that the engine still has of a process instance: one look-up in the index of proc_inst_id_.
SELECT count(*) AS rows_held
FROM act_hi_detail AS detail
WHERE detail.proc_inst_id_ = %(key)s
