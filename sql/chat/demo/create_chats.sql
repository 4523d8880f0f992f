-- One chat for each buyer, seller and product.
CREATE TABLE IF NOT EXISTS chats (
    id int NOT NULL AUTO_INCREMENT,
    buyer_id int NOT NULL,
    seller_id int NOT NULL,
    product_id int NOT NULL,
    created_at TIMESTAMP NOT NULL DEFAULT current_timestamp,
    PRIMARY KEY (id),
    UNIQUE KEY chats_sides (buyer_id, seller_id, product_id),
    KEY chats_seller (seller_id),
    KEY chats_product (product_id),
    CONSTRAINT chats_buyer_fk FOREIGN KEY (buyer_id) REFERENCES users (id),
    CONSTRAINT chats_seller_fk FOREIGN KEY (seller_id) REFERENCES users (id),
    CONSTRAINT chats_product_fk FOREIGN KEY (product_id) REFERENCES products (id)
) DEFAULT CHARACTER SET utf8mb4
