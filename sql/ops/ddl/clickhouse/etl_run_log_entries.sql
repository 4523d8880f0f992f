-- The run log's copy in ClickHouse: the newest state of each entry; read the view ops.etl_run_log.
CREATE TABLE ops.etl_run_log_entries (
    id Int64, -- Grows with each load.
    asset LowCardinality(String), -- The asset's key, domain/table.
    partition_key Nullable(String), -- The partition; NULL for an unpartitioned asset.
    run_id String, -- Dagster's run.
    root_run_id String, -- The first run of a chain of retries; a retry skips what its chain has done.
    status LowCardinality(String), -- How it stands: running, success, failed, killed.
    window_start Nullable(DateTime64(6, 'UTC')), -- Start of the window, inclusive.
    window_end Nullable(DateTime64(6, 'UTC')), -- End of the window, exclusive.
    read_until Nullable(DateTime64(6, 'UTC')), -- Up to where an open window was read; NULL if whole.
    rows_read Nullable(Int64), -- Rows that the source gave: rows_written + rows_quarantined.
    rows_written Nullable(Int64), -- Rows staged and published from what was read.
    rows_quarantined Nullable(Int64), -- Rows that were not published but quarantined.
    values_quarantined Nullable(Int64), -- Values of published rows that could not be read; they stand in quarantine.
    rows_kept Nullable(Int64), -- Rows that the source no longer has and the warehouse keeps.
    bytes_read Nullable(Int64), -- Bytes that came from the source; NULL for a query of the same server.
    fingerprint Nullable(String), -- The source's state that this load reflects; sensors compare it.
    started_at DateTime64(6, 'UTC'), -- When the load began.
    finished_at Nullable(DateTime64(6, 'UTC')), -- When it was published, or failed.
    error Nullable(String), -- What went wrong and what to do.
    warehouse_id Nullable(String) -- Identity of the ClickHouse or MySQL warehouse that was loaded; NULL for Postgres.
)
ENGINE = ReplacingMergeTree
ORDER BY id
