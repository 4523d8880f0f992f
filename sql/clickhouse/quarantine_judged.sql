-- What of a stream's texts is no row or no value, as Postgres' COPY reads it: bytes that are no text as a backslash,
-- x and hexadecimal digits.
SELECT
    if(isValidUTF8(source_key) AND position(source_key, '\0') = 0, source_key, concat('\\x', lower(hex(source_key))))
        AS source_key,
    reason,
    if(isValidUTF8(payload) AND position(payload, '\0') = 0, payload, concat('\\x', lower(hex(payload)))) AS payload,
    if(found_row, 't', 'f') AS is_row
FROM (
    SELECT
        key_text AS source_key,
        if(notEmpty(row_faults), arrayStringConcat(row_faults, '; '), {repeated}) AS reason,
        CAST(row_text AS Nullable(String)) AS payload,
        true AS found_row
    FROM ({judged})
    WHERE notEmpty(row_faults) OR place_of_key > 1
    UNION ALL
    SELECT
        key_text AS source_key,
        fault.1 AS reason,
        fault.2 AS payload,
        false AS found_row
    FROM ({judged})
    ARRAY JOIN value_faults AS fault
    WHERE empty(row_faults) AND place_of_key = 1
) AS found
