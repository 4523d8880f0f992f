-- A type's name if this server has the type; any value's text fits text.
SELECT CASE WHEN to_regtype(%(type)s) IS NULL THEN 'text' ELSE %(type)s END AS name
