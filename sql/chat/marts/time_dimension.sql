WITH moment AS (
    SELECT toDate32(created_at) AS of_day
    FROM chat_raw.messages
    UNION ALL
    SELECT toDate32(assumeNotNull(created_at)) AS of_day
    FROM chat_raw.users
    WHERE created_at IS NOT NULL
    UNION ALL
    SELECT toDate32(assumeNotNull(created_at)) AS of_day
    FROM chat_raw.chats
    WHERE created_at IS NOT NULL
),

reach AS (
    SELECT
        toYear(min(of_day)) AS first_year,
        toYear(max(of_day)) AS last_year,
        count() AS moments
    FROM moment
),

day AS (
    SELECT
        arrayJoin(
            arrayMap(
                number -> addDays(makeDate32(first_year, 1, 1), number),
                range(toUInt64(dateDiff('day', makeDate32(first_year, 1, 1), makeDate32(last_year + 1, 1, 1))))
            )
        ) AS full_date
    FROM reach
    WHERE moments > 0
)

SELECT
    toYYYYMMDD(full_date) AS id,
    full_date,
    toYear(full_date) AS year,
    toQuarter(full_date) AS quarter,
    toMonth(full_date) AS month,
    dateName('month', full_date) AS month_name,
    toISOWeek(full_date) AS week_of_year,
    toISOYear(full_date) AS iso_year,
    toDayOfMonth(full_date) AS day_of_month,
    toDayOfWeek(full_date, 3) AS day_of_week,
    dateName('weekday', full_date) AS day_name,
    toDayOfWeek(full_date) >= 6 AS is_weekend
FROM day
