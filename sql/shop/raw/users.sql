SELECT
    user_id,
    first_name,
    last_name,
    email,
    phone,
    registration_date,
    loyalty_status
FROM users
