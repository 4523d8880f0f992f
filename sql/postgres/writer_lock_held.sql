SELECT count(*) > 0 AS is_held
FROM pg_locks
WHERE
    locktype = 'advisory'
    AND pid = pg_backend_pid()
    AND granted
    AND objsubid = 1
    AND (classid::bigint << 32) | objid::bigint = hashtextextended(%(name)s, 0)
