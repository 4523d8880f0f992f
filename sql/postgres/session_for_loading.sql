-- A few large sorts and joins, all by one writer; a sample of 6 000 rows is enough for indexed columns; and
-- a client that went away ends its statement.
SELECT
    set_config('work_mem', '256MB', true) AS work_mem,
    set_config('maintenance_work_mem', '256MB', true) AS maintenance_work_mem,
    set_config('temp_buffers', '128MB', true) AS temp_buffers,
    set_config('default_statistics_target', '20', true) AS default_statistics_target,
    set_config('client_connection_check_interval', '2s', true) AS client_connection_check_interval
