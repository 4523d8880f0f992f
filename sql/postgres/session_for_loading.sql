-- A few large sorts and joins, all by one writer; a sample of 6 000 rows is enough for the columns that are looked at;
-- workers are worth their while, since what costs is reading values, which the planner holds to be free; and a client
-- that went away ends its statement.
SELECT
    set_config('work_mem', '256MB', true) AS work_mem,
    set_config('maintenance_work_mem', '256MB', true) AS maintenance_work_mem,
    set_config('temp_buffers', '128MB', true) AS temp_buffers,
    set_config('parallel_setup_cost', '100', true) AS parallel_setup_cost,
    set_config('parallel_tuple_cost', '0.01', true) AS parallel_tuple_cost,
    set_config('default_statistics_target', '20', true) AS default_statistics_target,
    set_config('client_connection_check_interval', '2s', true) AS client_connection_check_interval
