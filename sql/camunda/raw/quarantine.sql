SELECT
    id_ AS source_key,
    camunda.unreadable(name_, var_type_, text_, bytearray_id_, bytes_) AS reason,
    -- A text of more than 1 GB is refused, and with it the day: act_hi_detail has the whole value.
    substring(bytes_ FROM 1 FOR 10000000)::text AS payload,
    FALSE AS is_row
FROM {staged}
WHERE
    NOT is_purged_
    AND NOT is_withdrawn_
    AND json_ IS NULL
    AND (
        (
            bytearray_id_ IS NOT NULL
            AND (var_type_ IN ('json', 'object', 'spin://application/json') OR bytes_ IS NULL)
        )
        -- A text that is not UTF-8 came as its bytes.
        OR (bytearray_id_ IS NULL AND bytes_ IS NOT NULL)
    )
