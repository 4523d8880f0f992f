-- A UUID whose last group marks the generated rows of this seed, so that they can be found and replaced.
-- The cast to text is what lets the server inline the function: bigint to text by || alone is not immutable.
CREATE OR REPLACE FUNCTION pg_temp.identifier(kind text, number bigint) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (left(md5(%(node)s || kind || number::text)::uuid::text, 24) || %(node)s)::uuid
$$
