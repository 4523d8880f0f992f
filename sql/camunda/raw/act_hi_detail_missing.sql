-- Published rows that the source did not give this time: their keys where the source had them until now, and their
-- processes where no removal time explains that they are gone.
SELECT
    CASE WHEN NOT published.is_purged_ AND NOT published.is_withdrawn_ THEN published.id_ END AS id_,
    CASE
        WHEN
            NOT published.is_withdrawn_
            AND (published.removal_time_ IS NULL OR published.removal_time_ > clock_timestamp())
            THEN published.proc_inst_id_
    END AS proc_inst_id_
FROM camunda.act_hi_detail AS published
WHERE
    published.time_ >= %(start)s
    AND published.time_ < %(end)s
    AND (%(all_variables)s OR published.name_ = ANY(%(variables)s))
    AND NOT EXISTS (SELECT 1 FROM {staged} AS staged WHERE staged.id_ = published.id_)
