SELECT format_type(to_regtype(declared.type), to_regtypemod(declared.type)) AS type
FROM unnest(%(types)s::text[]) WITH ORDINALITY AS declared (type, place)
ORDER BY declared.place
