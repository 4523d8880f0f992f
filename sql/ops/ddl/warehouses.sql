-- The ClickHouse and MySQL warehouses that loads of this log went into.
CREATE TABLE ops.warehouses (
    id text NOT NULL, -- Identity that `marts migrate` wrote into the warehouse.
    engine text NOT NULL CHECK (engine IN ('clickhouse', 'mysql')), -- Engine of the warehouse.
    setting text NOT NULL, -- Setting that names the warehouse's URL.
    registered_at timestamptz NOT NULL DEFAULT clock_timestamp(), -- First time that this log met the warehouse.
    PRIMARY KEY (id)
)
