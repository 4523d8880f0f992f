-- The JSON in a text of any origin; NULL where it is none. A function with an exception block, since text that is
-- nested thousands deep fails pg_input_is_valid itself, and with it the load, each time anew.
CREATE FUNCTION ops.json_of_text(value text) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL UNSAFE
AS $$
BEGIN
    RETURN value::jsonb;
EXCEPTION
    WHEN data_exception OR statement_too_complex OR program_limit_exceeded THEN
        RETURN NULL;
END
$$
