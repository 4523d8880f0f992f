-- What stands in quarantine
-- Rows and values that could not be read, until a later load reads them.
-- @engine postgres
-- @kind ranking
SELECT
    asset,
    count(*) AS found,
    left(reason, 60) AS why
FROM ops.quarantine
WHERE replayed_at IS NULL
GROUP BY asset, why
ORDER BY sum(count(*)) OVER (PARTITION BY asset) DESC, asset
