-- The shop's users, as its Postgres has them.
CREATE TABLE mydb.users_replica (
    user_id int NOT NULL, -- The user.
    first_name varchar(50), -- The user's first name.
    last_name varchar(50), -- The user's last name.
    email varchar(100), -- The user's address.
    phone varchar(50), -- The user's phone, as long as the source allows.
    registration_date DATETIME(6), -- When the user registered, as the shop's clock showed.
    loyalty_status varchar(50), -- The user's step in the loyalty programme.
    PRIMARY KEY (user_id)
)
ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin
