-- The prostheses' telemetry as the source has it: a row for each action.
CREATE TABLE bionicpro_raw.telemetry (
    id Int64, -- The row's key at the source.
    user_id Int32, -- Whose prosthesis it is.
    prosthesis_id String, -- Which prosthesis.
    created_at DateTime64(6, 'UTC'), -- When it acted. The source has local times, of the zone MARTS_TELEMETRY_TIMEZONE.
    response_time_ms Nullable(Float64), -- How long it took to react, in milliseconds.
    action_type Nullable(String), -- What it did: grasp, release, flex, other.
    battery_level Nullable(Float64), -- The battery's level, in per cent.
    duration_seconds Nullable(Int32) -- How long it acted, in seconds.
)
ENGINE = MergeTree
PARTITION BY toDate(created_at)
ORDER BY (user_id, prosthesis_id, created_at, id)
