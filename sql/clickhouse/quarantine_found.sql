-- As Postgres' COPY reads it: bytes that are no text as a backslash, x and hexadecimal digits.
SELECT DISTINCT
    if(isValidUTF8(key_text) AND position(key_text, '\0') = 0, key_text, concat('\\x', lower(hex(key_text))))
        AS source_key,
    reason_text AS reason,
    if(isValidUTF8(raw) AND position(raw, '\0') = 0, raw, concat('\\x', lower(hex(raw)))) AS payload,
    if(found_row, 't', 'f') AS is_row
FROM (
    SELECT
        CAST(source_key AS Nullable(String)) AS key_text,
        CAST(reason AS String) AS reason_text,
        CAST(payload AS Nullable(String)) AS raw,
        is_row AS found_row
    FROM ({found}) AS found
) AS texts
