CREATE TABLE {stage} (
    {columns},
    CONSTRAINT within_window CHECK ({column} >= %(start)s AND {column} < %(end)s)
)
