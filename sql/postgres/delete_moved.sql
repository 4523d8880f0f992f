-- Deletes the rows of other windows that have the keys of staged ones: each of them has moved into this window.
WITH moved AS (
    DELETE FROM {table} AS live
    USING {stage} AS staged
    WHERE ({live_key}) = ({staged_key})
    RETURNING live.{column} AS moment
)

SELECT array_agg(DISTINCT moved.moment) AS moments
FROM moved
