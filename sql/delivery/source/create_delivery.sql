-- What a pipeline estimates, whom it assigns, and when the performer is free again.
CREATE TABLE IF NOT EXISTS public.delivery (
    pipeline_id uuid PRIMARY KEY,
    cost double precision,
    estimated_at timestamptz,
    performer_id uuid,
    assigned_at timestamptz,
    released_at timestamptz
)
