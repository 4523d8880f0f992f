-- What the delivery service said in Kafka: results of stages, and triggers that ask for them, each message once.
CREATE TABLE ods.events (
    event_id uuid NOT NULL, -- Made of the message's place, so it is the same whenever it is read: the payloads have none.
    event_type varchar(50) NOT NULL, -- result or trigger, by the topic.
    event_data jsonb NOT NULL, -- The payload.
    event_timestamp timestamptz NOT NULL, -- The broker's time of the message (UTC): the payloads have none.
    kafka_topic text NOT NULL, -- The topic it came from.
    kafka_partition integer NOT NULL, -- The topic's partition.
    kafka_epoch integer NOT NULL, -- Which log of that name: 0, and one more each time that another took its place.
    kafka_offset bigint NOT NULL, -- Its place in that log.
    load_timestamp timestamptz NOT NULL DEFAULT now(), -- When the row was read (UTC).
    is_valid boolean NOT NULL DEFAULT true, -- Whether it is an event; what is none stands in ops.quarantine.
    PRIMARY KEY (event_id)
)
