-- The JSON in a byte array of Camunda, of whatever type its variable is; NULL where the bytes are not JSON in UTF-8.
-- A function, since only an exception block keeps bytes that are no UTF-8 from failing the whole load; most bytes
-- that are no JSON do not begin as JSON does and need no such block. A byte order mark is skipped.
-- STRICT lets rows without bytes pass by. Exception blocks cannot run in parallel workers.
CREATE OR REPLACE FUNCTION camunda.json_of_bytes(var_type text, bytes bytea) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL UNSAFE
AS $$
DECLARE
    bare bytea := CASE WHEN substring(bytes FROM 1 FOR 3) = '\xefbbbf' THEN substring(bytes FROM 4) ELSE bytes END;
BEGIN
    IF substring(bare FROM 1 FOR 1) NOT IN (
        '\x09', '\x0a', '\x0d', '\x20', '\x22', '\x2d', '\x5b', '\x66', '\x6e', '\x74', '\x7b',
        '\x30', '\x31', '\x32', '\x33', '\x34', '\x35', '\x36', '\x37', '\x38', '\x39'
    ) THEN
        RETURN NULL;
    END IF;
    BEGIN
        RETURN convert_from(bare, 'UTF8')::jsonb;
    EXCEPTION
        WHEN data_exception OR statement_too_complex OR program_limit_exceeded THEN
            RETURN NULL;
    END;
END
$$
