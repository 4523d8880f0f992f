-- A probe of one window beside the window's name; several of them make one statement.
SELECT
    %(named_key)s AS partition_key,
    probed.state
FROM (
    {probe}
) AS probed (state)
