-- What users do on the shop's pages
-- Events by the day, in the 60 days up to the newest one.
-- @engine postgres
-- @kind bars
-- @unit events
SELECT
    date_trunc('day', events.timestamp, 'UTC') AS day,
    count(*) AS found,
    replace(events.event_type, '_', ' ') AS event
FROM shop.kafka_events AS events
WHERE events.timestamp > (SELECT max(newest.timestamp) - make_interval(0, 0, 0, 60) FROM shop.kafka_events AS newest)
GROUP BY day, event
ORDER BY day, event
