-- The state of a window: count and order-independent checksum of its rows, all columns of them, so an update shows
-- however old the row is. At the source, of the staged rows and of the published ones it is the same for the same rows.
SELECT
    count(*) || ' rows, checksum ' || coalesce(sum(('x' || left(md5(concat_ws(
        '|',
        id,
        source_address_id,
        target_address_id,
        coalesce('=' || extra, '~'),
        coalesce(to_char(registered_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), '~')
    )), 15))::bit(60)::bigint::numeric), 0) AS fingerprint
FROM {staged}
WHERE is_valid
