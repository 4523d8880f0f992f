SELECT
    count() AS missing,
    minOrNull(user_id) AS first_of_them
FROM (
    SELECT sender_id AS user_id
    FROM chat_analytics.message_facts
    UNION DISTINCT
    SELECT assumeNotNull(recipient_id) AS user_id
    FROM chat_analytics.message_facts
    WHERE recipient_id IS NOT NULL
    UNION DISTINCT
    SELECT assumeNotNull(buyer_id) AS user_id
    FROM chat_analytics.chat_facts
    WHERE buyer_id IS NOT NULL
    UNION DISTINCT
    SELECT assumeNotNull(seller_id) AS user_id
    FROM chat_analytics.chat_facts
    WHERE seller_id IS NOT NULL
) AS referred
WHERE user_id NOT IN (SELECT id FROM chat_analytics.user_dimension)
