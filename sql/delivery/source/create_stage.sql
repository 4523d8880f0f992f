-- The stages of a pipeline that have begun, or are about to.
CREATE TABLE IF NOT EXISTS public.stage (
    id uuid PRIMARY KEY,
    pipeline_id uuid NOT NULL,
    name varchar(31) NOT NULL,
    status varchar(15) NOT NULL,
    message varchar,
    created_at timestamptz NOT NULL,
    started_at timestamptz,
    finished_at timestamptz
)
