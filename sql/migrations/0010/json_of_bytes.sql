-- The JSON in a byte array of Camunda, by the variable's type; NULL where there is none to be read.
-- A function, since only an exception block keeps bytes that are no UTF-8 from failing the whole load.
-- STRICT lets rows without bytes pass by. Exception blocks cannot run in parallel workers.
CREATE OR REPLACE FUNCTION camunda.json_of_bytes(var_type text, bytes bytea) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL UNSAFE
AS $$
BEGIN
    IF var_type NOT IN ('json', 'object', 'spin://application/json') THEN
        RETURN NULL;
    END IF;
    RETURN convert_from(bytes, 'UTF8')::jsonb;
EXCEPTION
    WHEN data_exception OR statement_too_complex OR program_limit_exceeded THEN
        RETURN NULL;
END
$$
