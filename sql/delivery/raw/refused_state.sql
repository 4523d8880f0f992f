-- The state of a window's refused rows; NULL if there are none.
SELECT
    CASE
        WHEN count(*) > 0
            THEN count(*) || ' refused, checksum ' || md5(string_agg(refused.payload, ', ' ORDER BY refused.source_key))
    END AS state
FROM ({refused}) AS refused
