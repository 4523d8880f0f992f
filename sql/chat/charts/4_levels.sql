-- Users by how much they write
-- @engine clickhouse
-- @kind ranking
-- @unit users
SELECT
    activity_level,
    count() AS users
FROM chat_analytics.user_dimension
GROUP BY activity_level
ORDER BY users DESC
