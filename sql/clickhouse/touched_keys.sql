CREATE TABLE {touched}
ENGINE = MergeTree
ORDER BY tuple()
AS {query}
