SELECT format_type(given.oid, NULL) AS type
FROM unnest(%(oids)s::oid[]) WITH ORDINALITY AS given (oid, place)
ORDER BY given.place
