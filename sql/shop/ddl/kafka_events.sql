-- What users did on the shop's pages: the events of its topic, each message once.
CREATE TABLE shop.kafka_events (
    kafka_topic text NOT NULL, -- The topic it came from.
    kafka_partition integer NOT NULL, -- The topic's partition.
    kafka_epoch integer NOT NULL, -- Which log of that name: 0, and one more each time that another took its place.
    kafka_offset bigint NOT NULL, -- Its place in that log.
    kafka_time timestamptz, -- The broker's time of the message; NULL if it tells none.
    event_type text NOT NULL, -- What happened: page_view, click, purchase, login, logout.
    user_id integer NOT NULL, -- Who did it; not every one of them is a user of the shop.
    timestamp timestamptz NOT NULL, -- When, by the clock of the producer; its local time is read in the zone of the settings.
    page_url text NOT NULL, -- On which page.
    ip_address inet NOT NULL, -- From which address.
    PRIMARY KEY (kafka_topic, kafka_partition, kafka_epoch, kafka_offset)
)
