SELECT
    event_id,
    event_type::text AS event_type,
    event_data::text AS event_data,
    event_timestamp AS event_datetime
FROM ods.events
WHERE event_timestamp >= %(start)s AND event_timestamp < %(end)s
