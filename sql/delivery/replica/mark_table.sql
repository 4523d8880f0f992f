COMMENT ON TABLE {table} IS 'A replica made by marts_platform: nothing else may write here.'
