-- Where each asset's reader stands in a topic: stored in the transaction that publishes what it read.
CREATE TABLE ops.stream_positions (
    asset text NOT NULL, -- The asset that reads.
    topic text NOT NULL, -- The topic.
    partition integer NOT NULL, -- Its partition.
    epoch integer NOT NULL, -- Which log of that name: 0, and one more each time that another took its place.
    next_offset bigint NOT NULL, -- The first offset that was not read.
    log_id text NOT NULL, -- The topic's id as the broker tells it; empty where it tells none.
    last_offset bigint, -- Of the last message that was read; NULL if none was.
    last_digest text, -- Of that message's bytes and time: another message there means another log.
    incident text, -- What was noticed last: messages lost to retention, another log; NULL if nothing ever was.
    incident_at timestamptz, -- When it was noticed.
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(), -- When the reader moved last.
    PRIMARY KEY (asset, topic, partition)
)
