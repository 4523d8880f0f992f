-- The rows that the source still has, of rows that a window once had: in the window still, and elsewhere (on another
-- day, or under a name that is not wanted). A look-up by key for each.
SELECT
    coalesce(array_agg(found.id_) FILTER (WHERE found.is_here), ARRAY[]::text[]) AS keys_here,
    coalesce(array_agg(found.id_) FILTER (WHERE NOT found.is_here), ARRAY[]::text[]) AS keys_elsewhere
FROM (
    SELECT
        detail.id_::text AS id_,
        (detail.time_ AT TIME ZONE %(zone)s) >= %(start)s
        AND (detail.time_ AT TIME ZONE %(zone)s) < %(end)s
        AND (%(all_variables)s OR detail.name_ = ANY(%(variables)s)) AS is_here
    FROM act_hi_detail AS detail
    WHERE detail.id_ = ANY(%(keys)s)
) AS found
