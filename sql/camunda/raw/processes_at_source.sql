-- The process instances that the engine's clean-up has not reached: they have a row that it may not delete yet. It sets
-- one removal time for all rows of a process. A look-up by process for each.
SELECT coalesce(array_agg(asked.proc_inst_id_), ARRAY[]::text[]) AS processes
FROM unnest(%(processes)s::text[]) AS asked (proc_inst_id_)
WHERE
    EXISTS (
        SELECT 1
        FROM act_hi_detail AS detail
        WHERE detail.proc_inst_id_ = asked.proc_inst_id_ AND {is_kept}
    )
