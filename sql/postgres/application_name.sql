SELECT set_config('application_name', %(name)s, false) AS application_name
