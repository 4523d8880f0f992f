CREATE TABLE {stage} (
    {definitions},
    CONSTRAINT within_window CHECK ({column} >= %(start)s AND {column} < %(end)s)
)
