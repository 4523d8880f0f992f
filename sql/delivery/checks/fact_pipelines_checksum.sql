-- Count and order-independent checksum of a window, as ods/pipelines_checksum.sql gives it of the ODS.
SELECT
    count() AS rows_counted,
    toString(sum(toUInt128(reinterpretAsUInt64(reverse(unhex(concat('0', substring(lower(hex(MD5(concatWithSeparator(
        '|',
        toString(id),
        toString(order_id),
        coalesce(formatDateTime(order_registered_at, '%Y-%m-%dT%H:%i:%S.%f'), '~'),
        status,
        coalesce(concat('=', message), '~'),
        coalesce(formatDateTime(created_at, '%Y-%m-%dT%H:%i:%S.%f'), '~'),
        coalesce(formatDateTime(started_at, '%Y-%m-%dT%H:%i:%S.%f'), '~'),
        coalesce(formatDateTime(finished_at, '%Y-%m-%dT%H:%i:%S.%f'), '~')
    )))), 1, 15)))))))) AS checksum
FROM dds.fact_pipelines
WHERE
    created_at >= {start:DateTime64(6, 'UTC')}
    AND created_at < {end:DateTime64(6, 'UTC')}
