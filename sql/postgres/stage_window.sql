CREATE TEMPORARY TABLE {stage} (
    LIKE {table} INCLUDING DEFAULTS INCLUDING GENERATED,
    CONSTRAINT within_window CHECK ({column} IS NOT NULL AND {column} >= %(start)s AND {column} < %(end)s)
) ON COMMIT DROP
