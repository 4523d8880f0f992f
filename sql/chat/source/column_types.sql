-- Which of the chat's tables keep times without a zone, and whether messages have an index by time.
SELECT
    given.table_name AS table_name,
    given.data_type AS data_type,
    (
        SELECT count(*)
        FROM information_schema.statistics AS indexed
        WHERE
            indexed.table_schema = given.table_schema
            AND indexed.table_name = given.table_name
            AND indexed.column_name = given.column_name
            AND indexed.seq_in_index = 1
    ) AS indexes
FROM information_schema.columns AS given
WHERE
    given.table_schema = database()
    AND given.column_name = 'created_at'
    AND given.table_name IN ('users', 'products', 'chats', 'messages')
