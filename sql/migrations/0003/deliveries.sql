-- What each pipeline estimated, whom it assigned, and when the performer was free again.
CREATE TABLE ods.deliveries (
    pipeline_id uuid NOT NULL, -- The pipeline.
    cost numeric(10, 2), -- What the delivery costs; NULL without an estimate, or where source_cost is no such amount.
    estimated_at timestamptz, -- When the cost was estimated (UTC); NULL until then.
    performer_id uuid, -- Who delivers; NULL until assigned.
    assigned_at timestamptz, -- When the performer was assigned (UTC); NULL until then.
    released_at timestamptz, -- When the performer was free again (UTC); NULL until then.
    created_at timestamptz NOT NULL, -- When the pipeline was made (UTC); it says to which day the delivery belongs.
    order_id uuid NOT NULL, -- The order.
    order_type text, -- The order's extra.
    status text NOT NULL, -- The pipeline's status.
    source_cost double precision, -- The cost as the service stores it.
    load_timestamp timestamptz NOT NULL DEFAULT now(), -- When the row was last read from the source (UTC).
    is_valid boolean NOT NULL DEFAULT true, -- Whether the source still has the row.
    PRIMARY KEY (pipeline_id)
)
