-- As the application that writes it has it.
CREATE TABLE IF NOT EXISTS telemetry_data (
    id serial PRIMARY KEY,
    user_id integer NOT NULL,
    prosthesis_id varchar(100) NOT NULL,
    created_at timestamp NOT NULL DEFAULT current_timestamp,
    response_time_ms double precision,
    action_type varchar(50),
    battery_level double precision,
    duration_seconds integer
)
