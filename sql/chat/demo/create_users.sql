-- Whoever buys or sells.
CREATE TABLE IF NOT EXISTS users (
    id int NOT NULL AUTO_INCREMENT,
    username varchar(100) NOT NULL,
    avatar_path varchar(255) NOT NULL,
    email varchar(255) NOT NULL,
    created_at TIMESTAMP NOT NULL DEFAULT current_timestamp,
    PRIMARY KEY (id),
    UNIQUE KEY users_email (email)
) DEFAULT CHARACTER SET utf8mb4
