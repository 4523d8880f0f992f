-- An id of the engine's form (a UUID as text). Its last group, the machine's address in a real one, marks the
-- generated history of this seed, so that it can be found and replaced.
-- The cast to text is what lets the server inline the function: bigint to text by || alone is not immutable.
CREATE OR REPLACE FUNCTION pg_temp.identifier(kind text, number bigint) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT left(md5(%(node)s || kind || number::text)::uuid::text, 24) || %(node)s
$$
