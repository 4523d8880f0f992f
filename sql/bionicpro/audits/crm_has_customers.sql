WITH last_snapshot AS (
    SELECT
        taken_at,
        user_id
    FROM bionicpro_raw.crm_users
    WHERE taken_at = (SELECT max(every.taken_at) FROM bionicpro_raw.crm_users AS every)
)

SELECT
    customers > 0 OR customers_before = 0 AS passed,
    (SELECT uniqExact(user_id) FROM {staged:Identifier}) AS customers,
    (SELECT uniqExact(user_id) FROM last_snapshot) AS customers_before,
    (SELECT coalesce(toString(maxOrNull(taken_at)), 'never') FROM last_snapshot) AS taken_before
