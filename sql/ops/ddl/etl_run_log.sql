-- Every load of a partition: what was read and written, from what, when and how it ended.
CREATE TABLE ops.etl_run_log (
    id bigint GENERATED ALWAYS AS IDENTITY, -- Grows with each load.
    asset text NOT NULL, -- The asset's key, domain/table.
    partition_key text, -- The partition; NULL for an unpartitioned asset.
    run_id text NOT NULL, -- Dagster's run.
    root_run_id text NOT NULL, -- The first run of a chain of retries; a retry skips what its chain has done.
    status text NOT NULL CHECK (status IN ('running', 'success', 'failed', 'killed')), -- How it stands; killed: its process went away.
    window_start timestamptz, -- Start of the window, inclusive.
    window_end timestamptz, -- End of the window, exclusive.
    read_until timestamptz, -- Up to where an open window was read: the commit-safe bound; NULL if whole.
    rows_read bigint, -- Rows that the source gave: rows_written + rows_quarantined.
    rows_written bigint, -- Rows staged and published from what was read.
    rows_quarantined bigint, -- Rows that were not published but quarantined.
    values_quarantined bigint, -- Values of published rows that could not be read; they stand in quarantine.
    rows_kept bigint, -- Rows that the source no longer has and the warehouse keeps.
    bytes_read bigint, -- Bytes that came from the source; NULL for a query of the same server.
    fingerprint text, -- The source's state that this load reflects; sensors compare it.
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(), -- When the load began.
    finished_at timestamptz, -- When it was published, or failed.
    error text, -- What went wrong and what to do.
    warehouse_id text, -- Identity of the ClickHouse or MySQL warehouse that was loaded; NULL for Postgres, where this log is.
    PRIMARY KEY (id)
)
