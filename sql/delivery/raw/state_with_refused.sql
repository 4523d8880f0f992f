-- The state of a window's rows, and of those that are refused, so that a correction of either shows.
SELECT
    readable.fingerprint || coalesce('; ' || refused.state, '') AS fingerprint
FROM ({fingerprint}) AS readable
CROSS JOIN ({refused_state}) AS refused
