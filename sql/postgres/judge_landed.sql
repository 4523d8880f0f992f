-- Materialised, so that what is published and what is quarantined come of the same look at a row.
CREATE TEMPORARY TABLE {judged} ON COMMIT DROP AS
SELECT typed.*
FROM ({query}) AS typed
