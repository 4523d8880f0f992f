-- The orders as the service registered them. Its retention deletes them after a year, the warehouse keeps them.
CREATE TABLE ods.orders (
    id uuid NOT NULL, -- The order.
    source_address_id uuid NOT NULL, -- From where it is delivered.
    target_address_id uuid NOT NULL, -- To where it is delivered.
    extra text, -- The type of the order, as the customer gave it.
    registered_at timestamptz NOT NULL, -- When it was registered (UTC).
    load_timestamp timestamptz NOT NULL DEFAULT now(), -- When the row was last read from the source (UTC).
    is_valid boolean NOT NULL DEFAULT true, -- Whether the source still has the row.
    PRIMARY KEY (id)
)
