-- Count and order-independent checksum of a window, as ods/orders_checksum.sql gives it of the ODS.
SELECT
    count() AS rows_counted,
    toString(sum(toUInt128(reinterpretAsUInt64(reverse(unhex(concat('0', substring(lower(hex(MD5(concatWithSeparator(
        '|',
        toString(id),
        toString(source_address_id),
        toString(target_address_id),
        coalesce(concat('=', extra), '~'),
        coalesce(formatDateTime(registered_at, '%Y-%m-%dT%H:%i:%S.%f'), '~')
    )))), 1, 15)))))))) AS checksum
FROM dds.fact_orders
WHERE
    registered_at >= {start:DateTime64(6, 'UTC')}
    AND registered_at < {end:DateTime64(6, 'UTC')}
