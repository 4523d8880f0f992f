-- What the text of chat/raw/users_fingerprint.sql says, of the rows that follow a number: a part of the table,
-- within a probe's time. A sum does not depend on the rows' order.
SELECT
    count(*) AS row_count,
    max(texts.id) AS newest,
    sum(cast(conv(left(md5(texts.row_text), 15), 16, 10) AS unsigned)) AS checksum
FROM (
    SELECT
        given.id,
        concat_ws(
            '|',
            given.id,
            coalesce(date_format({created_at}, '%%Y-%%m-%%d %%H:%%i:%%s.%%f'), '~'),
            char_length(given.username),
            char_length(given.avatar_path),
            given.username,
            given.avatar_path,
            CONVERT(given.email USING utf8mb4)
        ) AS row_text
    FROM users AS given
    WHERE given.id > %(after)s
    ORDER BY given.id
    LIMIT %(most)s
) AS texts
