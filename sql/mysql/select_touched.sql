SELECT *
FROM {touched}
WHERE in_doubt = %(in_doubt)s
