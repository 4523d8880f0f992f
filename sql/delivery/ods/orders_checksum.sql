-- Count and order-independent checksum of a window, as checks/fact_orders_checksum.sql gives it of the facts.
SELECT
    count(*) AS rows_counted,
    coalesce(sum(('x' || left(md5(concat_ws(
        '|',
        id::text,
        source_address_id::text,
        target_address_id::text,
        coalesce('=' || extra, '~'),
        coalesce(to_char(registered_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), '~')
    )), 15))::bit(60)::bigint::numeric), 0)::text AS checksum
FROM ods.orders
WHERE registered_at >= %(start)s AND registered_at < %(end)s
