-- The state of a window: count and order-independent checksum of its rows, all columns of them, so an update shows
-- however old the row is. At the source, of the staged rows and of the published ones it is the same for the same rows.
SELECT
    count(*) || ' rows, checksum ' || coalesce(sum(('x' || left(md5(concat_ws(
        '|',
        pipeline_id,
        coalesce(encode(float8send(source_cost), 'hex'), '~'),
        coalesce(to_char(estimated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), '~'),
        coalesce(performer_id::text, '~'),
        coalesce(to_char(assigned_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), '~'),
        coalesce(to_char(released_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), '~'),
        coalesce(to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), '~'),
        order_id,
        coalesce('=' || order_type, '~'),
        status
    )), 15))::bit(60)::bigint::numeric), 0) AS fingerprint
FROM {staged}
WHERE is_valid
