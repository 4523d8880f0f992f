-- The same text as chat/raw/users_fingerprint.sql gives for the same rows: a sum does not depend on their order.
SELECT
    concat(
        'rows ', count(*), ', newest ', coalesce(max(texts.id), 0), ', checksum ',
        coalesce(sum(cast(conv(left(md5(texts.row_text), 15), 16, 10) AS unsigned)), 0)
    ) AS fingerprint
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
) AS texts
