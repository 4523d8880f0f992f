-- The stages of the pipelines, one after another: start_pipeline to release_performer.
CREATE TABLE ods.stages (
    id uuid NOT NULL, -- The stage.
    pipeline_id uuid NOT NULL, -- The pipeline.
    name text NOT NULL, -- start_pipeline, estimate_cost, assign_performer, perform_delivery or release_performer.
    status text NOT NULL, -- pending, in_progress, succeeded, failed or canceled.
    message text, -- Why it failed or was cancelled.
    created_at timestamptz NOT NULL, -- When it was made (UTC).
    started_at timestamptz, -- When it began (UTC).
    finished_at timestamptz, -- When it reached its final status (UTC); NULL until then.
    load_timestamp timestamptz NOT NULL DEFAULT now(), -- When the row was last read from the source (UTC).
    is_valid boolean NOT NULL DEFAULT true, -- Whether the source still has the row.
    PRIMARY KEY (id)
)
