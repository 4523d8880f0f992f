-- Count and order-independent checksum of a window, as ods/deliveries_checksum.sql gives it of the ODS.
SELECT
    count() AS rows_counted,
    toString(sum(toUInt128(reinterpretAsUInt64(reverse(unhex(concat('0', substring(lower(hex(MD5(concatWithSeparator(
        '|',
        toString(pipeline_id),
        toString(order_id),
        coalesce(concat('=', order_type), '~'),
        status,
        coalesce(toString(toInt64(cost * 100)), '~'),
        coalesce(formatDateTime(estimated_at, '%Y-%m-%dT%H:%i:%S.%f'), '~'),
        coalesce(toString(performer_id), '~'),
        coalesce(formatDateTime(assigned_at, '%Y-%m-%dT%H:%i:%S.%f'), '~'),
        coalesce(formatDateTime(released_at, '%Y-%m-%dT%H:%i:%S.%f'), '~'),
        coalesce(formatDateTime(created_at, '%Y-%m-%dT%H:%i:%S.%f'), '~')
    )))), 1, 15)))))))) AS checksum
FROM dds.fact_deliveries
WHERE
    created_at >= {start:DateTime64(6, 'UTC')}
    AND created_at < {end:DateTime64(6, 'UTC')}
