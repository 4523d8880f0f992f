SELECT format_type(%(oid)s, NULL) AS type
