-- The days that loads of an appended table added rows to: what is made of such a day by days is stale after its load.
CREATE TABLE ops.appended_days (
    asset text NOT NULL, -- The appended asset's key, domain/table.
    day date NOT NULL, -- A day (UTC) of the asset's time column.
    log_id bigint NOT NULL, -- The newest load that added rows of the day: its number in ops.etl_run_log.
    PRIMARY KEY (asset, day)
)
