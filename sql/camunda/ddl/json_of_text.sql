-- The JSON in a text; NULL where it is none. One parse, while pg_input_is_valid and a cast are two.
CREATE FUNCTION camunda.json_of_text(value text) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
BEGIN
    RETURN value::jsonb;
EXCEPTION
    WHEN data_exception OR statement_too_complex OR program_limit_exceeded THEN
        RETURN NULL;
END
$$
