CREATE INDEX events_by_time ON ods.events (event_timestamp, event_type)
