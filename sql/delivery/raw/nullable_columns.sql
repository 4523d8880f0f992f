-- Of some columns those in which the table takes NULL.
SELECT array_agg(attname::text) AS columns
FROM pg_attribute
WHERE attrelid = to_regclass(%(table)s) AND attname = ANY(%(required)s) AND NOT attnotnull
