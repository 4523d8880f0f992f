-- How often the replica could not apply a change, or copy a table, since it was made.
SELECT coalesce(sum(apply_error_count + sync_error_count), 0)::bigint AS errors
FROM pg_stat_subscription_stats
WHERE subname = %(name)s
