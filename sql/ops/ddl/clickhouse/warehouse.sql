-- The identity of this warehouse, one row: the run log says by it which loads went into this server.
CREATE TABLE ops.warehouse (
    id String, -- Random identity; `marts migrate` writes it once.
    made_at DateTime64(6, 'UTC') -- When it was written; the first row counts.
)
ENGINE = MergeTree
ORDER BY made_at
