SELECT
    given.id,
    given.username,
    given.avatar_path,
    given.email,
    {created_at} AS created_at
FROM users AS given
