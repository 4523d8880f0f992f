-- The days whose message facts are not those that the row was made of, from the first day loaded on: a day's load
-- also changes the messages that follow its own, on later days. And the days with other registrations than the row's.
WITH
(SELECT if(empty({days:Array(Date)}), toDate('2149-06-06'), arrayMin({days:Array(Date)}))) AS first_day,

facts AS (
    SELECT
        time_id AS date_id,
        sum(hash) AS facts_checksum
    FROM chat_analytics.message_facts
    WHERE created_at >= first_day
    GROUP BY date_id
),

registered AS (
    SELECT
        toYYYYMMDD(assumeNotNull(created_at)) AS date_id,
        count() AS new_users
    FROM chat_raw.users
    WHERE created_at IS NOT NULL
    GROUP BY date_id
)

SELECT
    if(facts.date_id = 0, published.date_id, facts.date_id) AS date_id,
    TRUE AS in_doubt
FROM facts
FULL OUTER JOIN (
    SELECT
        date_id,
        facts_checksum
    FROM chat_analytics.daily_activity_facts
    WHERE date_id >= toYYYYMMDD(first_day)
) AS published ON facts.date_id = published.date_id
WHERE facts.facts_checksum <> published.facts_checksum OR facts.date_id = 0 OR published.date_id = 0
UNION DISTINCT
SELECT
    if(registered.date_id = 0, published.date_id, registered.date_id) AS date_id,
    TRUE AS in_doubt
FROM registered
FULL OUTER JOIN (
    SELECT
        date_id,
        new_users
    FROM chat_analytics.daily_activity_facts
) AS published ON registered.date_id = published.date_id
WHERE registered.new_users <> published.new_users
