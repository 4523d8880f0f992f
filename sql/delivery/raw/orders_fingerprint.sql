-- The state of a window: count and order-independent checksum of its rows, of all columns, so that any update shows
-- however old the row is. At the source, of the staged rows and of the published ones it is the same for the same rows.
-- The text of a row tells NULL, an empty text and each infinity apart; times are in the wire's form, which no setting
-- of a session changes.
SELECT
    count(*) || ' rows, checksum ' || coalesce(sum(('x' || left(md5(row(
        id,
        source_address_id,
        target_address_id,
        extra,
        encode(timestamptz_send(registered_at), 'hex')
    )::text), 15))::bit(60)::bigint::numeric), 0) AS fingerprint
FROM {staged}
WHERE is_valid
