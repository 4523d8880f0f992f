-- What the chats are about.
CREATE TABLE IF NOT EXISTS products (
    id int NOT NULL AUTO_INCREMENT,
    name varchar(255) NOT NULL,
    description text,
    price decimal(10, 2) NOT NULL,
    seller_id int NOT NULL,
    created_at TIMESTAMP NOT NULL DEFAULT current_timestamp,
    PRIMARY KEY (id),
    KEY products_seller (seller_id),
    CONSTRAINT products_seller_fk FOREIGN KEY (seller_id) REFERENCES users (id)
) DEFAULT CHARACTER SET utf8mb4
