CREATE TABLE IF NOT EXISTS users (
    user_id serial PRIMARY KEY,
    first_name varchar(50),
    last_name varchar(50),
    email varchar(100),
    phone varchar(50),
    registration_date timestamp,
    loyalty_status varchar(50)
)
