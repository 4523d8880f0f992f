CREATE INDEX quarantine_standing ON ops.quarantine (asset, partition_key, source_key) WHERE replayed_at IS NULL
