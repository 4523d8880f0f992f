-- The service's orders; its retention deletes those registered more than 365 days ago, and what hangs on them.
CREATE TABLE IF NOT EXISTS public."order" (
    id uuid PRIMARY KEY,
    source_address_id uuid NOT NULL,
    target_address_id uuid NOT NULL,
    extra varchar,
    registered_at timestamptz NOT NULL
)
