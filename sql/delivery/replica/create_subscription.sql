-- The connection holds a password. It comes as a setting of the transaction, bound by the server, so that it stands in
-- no statement that pg_stat_activity or a log would show; and an error's context would quote the inner statement, so
-- the error is raised anew.
DO $$
BEGIN
    EXECUTE format(
        'CREATE SUBSCRIPTION %I CONNECTION %L PUBLICATION %I WITH (create_slot = false, slot_name = %L)',
        current_setting('marts.name'),
        current_setting('marts.connection'),
        current_setting('marts.name'),
        current_setting('marts.name')
    );
EXCEPTION WHEN OTHERS THEN
    RAISE EXCEPTION '%', sqlerrm USING ERRCODE = sqlstate;
END
$$
