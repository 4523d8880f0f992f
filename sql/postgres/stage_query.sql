-- CREATE TABLE AS, unlike INSERT, computes its rows with parallel workers.
CREATE UNLOGGED TABLE {stage} AS
SELECT {columns}
FROM ({query}) AS computed
