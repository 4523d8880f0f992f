SELECT
    pipeline_id::text AS source_key,
    'the cost is not an amount below 100 000 000 with two decimals' AS reason,
    source_cost::text AS payload,
    FALSE AS is_row
FROM {staged}
WHERE cost IS NULL AND source_cost IS NOT NULL
