SELECT
    count(*) AS rows_counted,
    coalesce(sum(cast(conv(substr(md5({row}), 1, 15), 16, 10) AS decimal(20, 0))), 0) AS checksum
FROM {table}
