-- CREATE TABLE AS, unlike INSERT, reads with parallel workers.
CREATE TEMPORARY TABLE quarantine_read ON COMMIT DROP AS
SELECT DISTINCT
    found.source_key::text AS source_key,
    found.reason::text AS reason,
    found.payload::text AS payload,
    found.is_row::boolean AS is_row
FROM ({found}) AS found
