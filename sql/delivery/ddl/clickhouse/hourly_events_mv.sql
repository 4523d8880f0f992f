-- What the delivery service said, by the hour (UTC) of the broker's time and by kind.
CREATE VIEW dds.hourly_events_mv AS
SELECT
    states.hour AS hour,
    states.event_type AS event_type,
    countMerge(states.events_count) AS events_count
FROM dds.hourly_events_states AS states
GROUP BY states.hour, states.event_type
