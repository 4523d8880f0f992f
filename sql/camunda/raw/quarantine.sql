SELECT
    id_ AS source_key,
    CASE
        WHEN bytes_ IS NULL AND bytearray_id_ IS NOT NULL THEN 'the byte array of ' || name_ || ' is gone at the source'
        WHEN substring(bytes_ FROM 1 FOR 2) = '\xaced'::bytea THEN name_ || ' is a serialised Java object, not JSON'
        ELSE name_ || ' has type ' || var_type_ || ' but its bytes are not JSON in UTF-8'
    END AS reason,
    bytes_::text AS payload,
    FALSE AS is_row
FROM {staged}
WHERE
    NOT is_purged_
    AND json_ IS NULL
    AND bytearray_id_ IS NOT NULL
    AND (var_type_ IN ('json', 'object', 'spin://application/json') OR bytes_ IS NULL)
