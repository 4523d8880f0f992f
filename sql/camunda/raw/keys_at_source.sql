-- Which of these rows are still there, on whatever day: a look-up by key for each.
SELECT coalesce(array_agg(detail.id_::text), ARRAY[]::text[]) AS keys
FROM act_hi_detail AS detail
WHERE detail.id_ = ANY(%(keys)s)
