-- Count and order-independent checksum of a window, as checks/fact_deliveries_checksum.sql gives it of the facts.
SELECT
    count(*) AS rows_counted,
    coalesce(sum(('x' || left(md5(concat_ws(
        '|',
        pipeline_id::text,
        order_id::text,
        coalesce('=' || order_type, '~'),
        status,
        coalesce((cost * 100)::bigint::text, '~'),
        coalesce(to_char(estimated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), '~'),
        coalesce(performer_id::text, '~'),
        coalesce(to_char(assigned_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), '~'),
        coalesce(to_char(released_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), '~'),
        coalesce(to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), '~')
    )), 15))::bit(60)::bigint::numeric), 0)::text AS checksum
FROM ods.deliveries
WHERE created_at >= %(start)s AND created_at < %(end)s
