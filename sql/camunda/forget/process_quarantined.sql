-- Entries in quarantine of a process's changes: by the keys of the changes, and where the payload names the process.
SELECT entry.id
FROM ops.quarantine AS entry
WHERE
    entry.asset LIKE 'camunda/%%'
    AND (
        entry.source_key IN (
            SELECT detail.id_
            FROM camunda.act_hi_detail AS detail
            WHERE detail.proc_inst_id_ = %(key)s
        )
        OR strpos(entry.payload, %(key)s) > 0
    )
