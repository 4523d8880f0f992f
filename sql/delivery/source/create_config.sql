-- The prices that the service fetched.
CREATE TABLE IF NOT EXISTS public.config (
    id uuid PRIMARY KEY,
    min_cost double precision NOT NULL,
    rubles_per_meter double precision NOT NULL,
    fetched_at timestamptz NOT NULL
)
