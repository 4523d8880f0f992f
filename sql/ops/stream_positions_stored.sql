SELECT
    topic,
    partition,
    epoch,
    next_offset,
    log_id,
    last_offset,
    last_digest,
    incident,
    incident_at
FROM ops.stream_positions
WHERE asset = %(asset)s
