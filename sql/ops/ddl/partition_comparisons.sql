-- When each partition was compared with its source last. Losing it means that all count as not compared yet.
CREATE TABLE ops.partition_comparisons (
    asset text NOT NULL, -- The asset whose source was asked.
    partition_key text NOT NULL, -- The partition; empty for an unpartitioned asset.
    tried_at timestamptz NOT NULL, -- When its data version was asked for last.
    compared_at timestamptz, -- When the source answered last; NULL if it never did.
    is_stale boolean NOT NULL, -- Whether its data version was another one than the loaded one then.
    PRIMARY KEY (asset, partition_key)
)
