SELECT
    toStartOfHour(facts.event_datetime) AS hour,
    facts.event_type AS event_type,
    countState() AS events_count
FROM dds.fact_events AS facts
WHERE
    facts.event_datetime >= {start:DateTime64(6, 'UTC')}
    AND facts.event_datetime < {end:DateTime64(6, 'UTC')}
GROUP BY hour, event_type
