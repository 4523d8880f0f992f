INSERT INTO ops.stream_positions AS stored (
    asset, topic, partition, epoch, next_offset, log_id, last_offset, last_digest, incident, incident_at
)
VALUES (
    %(asset)s,
    %(topic)s,
    %(partition)s,
    %(epoch)s,
    %(next_offset)s,
    %(log_id)s,
    %(last_offset)s,
    %(last_digest)s,
    %(incident)s,
    %(incident_at)s
)
ON CONFLICT (asset, topic, partition) DO UPDATE
    SET
        epoch = excluded.epoch,
        next_offset = excluded.next_offset,
        log_id = excluded.log_id,
        last_offset = excluded.last_offset,
        last_digest = excluded.last_digest,
        incident = excluded.incident,
        incident_at = excluded.incident_at,
        updated_at = clock_timestamp()
