-- A number from 0 up to 1 that a name stands for: the same for the same name, whoever asks in whatever order.
CREATE OR REPLACE FUNCTION pg_temp.unit(name text) RETURNS double precision
LANGUAGE sql IMMUTABLE
RETURN (hashtextextended(name, 7) & 9007199254740991)::double precision / 9007199254740992.0
