SELECT
    count(*) AS details,
    count(*) FILTER (WHERE is_wanted) AS wanted,
    (SELECT count(*) FROM generated_instance) AS process_instances,
    (SELECT count(*) FROM generated_variable) AS variables,
    (SELECT count(*) FROM act_ge_bytearray WHERE right(id_, 12) = %(node)s) AS byte_arrays,
    count(*) FILTER (WHERE type_ = 'FormProperty') AS form_properties,
    (SELECT count(*) FROM generated_detail WHERE is_removal) AS removals,
    count(*) FILTER (WHERE sequence_counter_ > 1) AS updates,
    (
        SELECT count(*)
        FROM generated_detail AS detail
        INNER JOIN generated_detail AS before
            ON before.variable_no = detail.variable_no AND before.version = detail.version - 1
        WHERE before.time_ = detail.time_
    ) AS ties,
    count(*) FILTER (WHERE is_wanted AND execution_id_ <> proc_inst_id_) AS locals,
    count(removal_time_) AS with_removal_time,
    coalesce(sum(octet_length(text_)) FILTER (WHERE is_wanted), 0)
    + (SELECT coalesce(sum(octet_length(bytes)), 0) FROM generated_detail WHERE body NOT IN ('other', 'purged'))
        AS wanted_bytes
FROM act_hi_detail
CROSS JOIN LATERAL (SELECT name_ = ANY(%(wanted)s) AS is_wanted) AS wish
WHERE right(id_, 12) = %(node)s
