-- The rows that were sent as texts: their values, what is wrong with the row, what with single values, and which of
-- the rows with its key a row is.
SELECT
    faults.*,
    {place} AS place_of_key
FROM (
    SELECT
        given.*,
        arrayFilter(reason -> reason <> '', {row_faults}) AS row_faults,
        arrayFilter(fault -> fault.1 <> '', {value_faults}) AS value_faults,
        {source_key} AS key_text,
        toJSONString({row}) AS row_text
    FROM (
        SELECT {values}
        FROM {sent}
    ) AS given
) AS faults
