-- Gives a session its settings, those that the server knows, and says which backend it has.
SELECT
    pg_backend_pid() AS backend_pid,
    array_agg(set_config(wanted.name, wanted.value, FALSE)) AS settings
FROM unnest(%(names)s::text[], %(values)s::text[]) AS wanted (name, value)
WHERE current_setting(wanted.name, TRUE) IS NOT NULL
