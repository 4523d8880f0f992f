-- Half of those whom the last snapshot had: others in their place do not make up for them.
WITH last_snapshot AS (
    SELECT
        taken_at,
        user_id
    FROM bionicpro_raw.crm_users
    WHERE taken_at = (SELECT max(every.taken_at) FROM bionicpro_raw.crm_users AS every)
)

SELECT
    uniqExactIf(user_id, user_id NOT IN (SELECT user_id FROM {staged:Identifier})) * 2 <= uniqExact(user_id) AS passed,
    uniqExactIf(user_id, user_id NOT IN (SELECT user_id FROM {staged:Identifier})) AS customers_lost,
    uniqExact(user_id) AS customers_before,
    coalesce(toString(maxOrNull(taken_at)), 'never') AS taken_before
FROM last_snapshot
