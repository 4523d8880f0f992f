-- The attempts to deliver an order: a restart after a failure or a cancellation is another pipeline.
CREATE TABLE IF NOT EXISTS public.pipeline (
    id uuid PRIMARY KEY,
    order_id uuid NOT NULL,
    status varchar(15) NOT NULL,
    message varchar,
    created_at timestamptz NOT NULL,
    started_at timestamptz,
    finished_at timestamptz
)
