SELECT
    to_char(day, 'YYYY-MM-DD') AS day,
    log_id
FROM ops.appended_days
WHERE asset = %(asset)s AND day >= (%(start)s AT TIME ZONE 'UTC')::date AND day < (%(end)s AT TIME ZONE 'UTC')::date
