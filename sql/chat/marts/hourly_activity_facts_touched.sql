-- The hours whose message facts are not those that the row was made of, from the first day loaded on: a day's load
-- also changes the messages that follow its own, on later days.
WITH
(SELECT if(empty({days:Array(Date)}), toDate('2149-06-06'), arrayMin({days:Array(Date)}))) AS first_day,

facts AS (
    SELECT
        time_id AS date_id,
        hour_of_day,
        sum(hash) AS facts_checksum
    FROM chat_analytics.message_facts
    WHERE created_at >= first_day
    GROUP BY
        date_id,
        hour_of_day
)

SELECT
    if(facts.date_id = 0, published.date_id, facts.date_id) AS date_id,
    if(facts.date_id = 0, published.hour_of_day, facts.hour_of_day) AS hour_of_day,
    TRUE AS in_doubt
FROM facts
FULL OUTER JOIN (
    SELECT
        date_id,
        hour_of_day,
        facts_checksum
    FROM chat_analytics.hourly_activity_facts
    WHERE date_id >= toYYYYMMDD(first_day)
) AS published ON facts.date_id = published.date_id AND facts.hour_of_day = published.hour_of_day
WHERE facts.facts_checksum <> published.facts_checksum OR facts.date_id = 0 OR published.date_id = 0
