-- A fraction in [0, 1) that depends on the seed, the number and the salt alone.
CREATE OR REPLACE FUNCTION pg_temp.unit(number bigint, salt bigint) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (hashint8extended(number, %(seed)s * 1000 + salt) & 9007199254740991) / 9007199254740992.0::float8
$$
