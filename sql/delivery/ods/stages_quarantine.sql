SELECT
    id::text AS source_key,
    split_part(bad.said, ' ', 1) || ' is no time from 1970-01-02 to 2100' AS reason,
    substr(bad.said, position(' ' IN bad.said) + 1) AS payload,
    FALSE AS is_row
FROM {staged}
CROSS JOIN LATERAL unnest(string_to_array(source_times, ', ')) AS bad (said)
