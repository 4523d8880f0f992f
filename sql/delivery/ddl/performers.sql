-- Everybody whom a delivery was assigned to. The service has no such table.
CREATE TABLE ods.performers (
    id uuid NOT NULL, -- The performer.
    first_delivery_at timestamptz NOT NULL, -- When the pipeline of the first delivery was made (UTC).
    last_delivery_at timestamptz NOT NULL, -- When the pipeline of the last delivery was made (UTC).
    load_timestamp timestamptz NOT NULL DEFAULT now(), -- When the row was last computed (UTC).
    is_valid boolean NOT NULL DEFAULT true, -- Whether the source still has the last delivery.
    PRIMARY KEY (id)
)
