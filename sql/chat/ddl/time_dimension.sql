-- A row a day, from the first of January of the first year in the data to the last of December of the last one.
CREATE TABLE chat_analytics.time_dimension (
    id UInt32, -- The day as yyyymmdd. Source: full_date.
    full_date Date32, -- The day. Source: the years of users, chats and messages.
    year UInt16, -- The year of the calendar. Source: full_date.
    quarter UInt8, -- The quarter, 1 to 4. Source: full_date.
    month UInt8, -- The month, 1 to 12. Source: full_date.
    month_name String, -- The month's name in English. Source: full_date.
    week_of_year UInt8, -- The week of ISO 8601, 1 to 53: it starts on Monday, and week 1 has the year's first Thursday. Source: full_date.
    iso_year UInt16, -- The year that week belongs to: around New Year not the calendar's. Source: full_date.
    day_of_month UInt8, -- The day of the month, 1 to 31. Source: full_date.
    day_of_week UInt8, -- The day of the week, 1 is Sunday and 7 Saturday. Source: full_date.
    day_name String, -- The day's name in English. Source: full_date.
    is_weekend Bool -- Whether it is a Saturday or a Sunday. Source: full_date.
)
ENGINE = MergeTree
ORDER BY (id)
