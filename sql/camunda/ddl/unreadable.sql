-- The reason why a value of a variable that is to be JSON could not be read.
CREATE FUNCTION camunda.unreadable(name text, var_type text, value text, bytearray_id text, bytes bytea) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN bytearray_id IS NOT NULL AND bytes IS NULL THEN 'the byte array of ' || name || ' is gone at the source'
    WHEN substring(bytes FROM 1 FOR 2) = '\xaced'::bytea THEN name || ' is a serialised Java object, not JSON'
    WHEN bytes IS NOT NULL
        THEN name || coalesce(' has type ' || var_type || ' but', ':') || ' its bytes are not JSON in UTF-8'
    WHEN value IS NULL THEN name || ' has type ' || coalesce(var_type, 'NULL') || ', which is not JSON'
    WHEN length(value) = 4000
        THEN name || ' is not JSON: its text has 4000 characters, the most that act_hi_detail holds'
    ELSE name || ' is not JSON'
END
