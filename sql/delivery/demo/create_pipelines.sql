-- The attempts of the generated orders: how each ends, and at which of the five stages.
CREATE TEMPORARY TABLE generated_pipeline (
    number bigint,
    attempt bigint,
    id uuid,
    order_id uuid,
    outcome text,
    last_stage integer,
    created_at timestamptz,
    ended_at timestamptz
) ON COMMIT DROP
