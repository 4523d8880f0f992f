-- A whole number in [0, choices) that depends on the seed, the number and the salt alone.
CREATE OR REPLACE FUNCTION pg_temp.pick(number bigint, salt bigint, choices bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT mod(hashint8extended(number, %(seed)s * 1000 + salt) & 9223372036854775807, choices)
$$
