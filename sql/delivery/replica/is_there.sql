-- Whether a table, or anything else that has a table's name, is there.
SELECT to_regclass(%(table)s) IS NOT NULL AS is_there
