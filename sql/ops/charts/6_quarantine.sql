-- What stands in quarantine
-- Rows and values that could not be read, by the reason, until a later load reads them.
-- @engine postgres
-- @kind ranking
-- @wide
SELECT
    left(reason, 60) AS why,
    count(*) AS found,
    asset
FROM ops.quarantine
WHERE replayed_at IS NULL
GROUP BY why, asset
ORDER BY found DESC, why, asset
