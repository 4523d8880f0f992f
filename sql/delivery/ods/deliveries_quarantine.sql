SELECT
    pipeline_id::text AS source_key,
    'the cost is not an amount below 100 000 000 with two decimals' AS reason,
    source_cost::text AS payload,
    FALSE AS is_row
FROM {staged}
WHERE cost IS NULL AND source_cost IS NOT NULL
UNION ALL
SELECT
    pipeline_id::text AS source_key,
    split_part(bad.said, ' ', 1) || ' is no time from 1970-01-02 to 2100' AS reason,
    substr(bad.said, position(' ' IN bad.said) + 1) AS payload,
    FALSE AS is_row
FROM {staged}
CROSS JOIN LATERAL unnest(string_to_array(source_times, ', ')) AS bad (said)
