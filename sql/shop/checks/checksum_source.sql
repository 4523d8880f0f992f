SELECT
    count(*) AS rows_counted,
    coalesce(sum(('x' || substr(md5(convert_to({row}, 'UTF8')), 1, 15))::bit(60)::bigint::numeric), 0) AS checksum
FROM {table}
WHERE {is_row}
