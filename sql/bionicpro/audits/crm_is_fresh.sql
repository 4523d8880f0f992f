WITH newest_snapshot AS (
    SELECT maxOrNull(taken_at) AS taken_at
    FROM bionicpro_raw.crm_users
)

SELECT
    coalesce(taken_at > now64(6, 'UTC') - INTERVAL 1 DAY, false) AS passed,
    coalesce(toString(taken_at), 'never') AS crm_taken_at,
    coalesce(round(dateDiff('minute', taken_at, now64(6, 'UTC')) / 60, 1), -1) AS hours_old
FROM newest_snapshot
