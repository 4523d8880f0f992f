-- The messages. The index by time is what lets a day be read without reading the others.
CREATE TABLE IF NOT EXISTS messages (
    id int NOT NULL AUTO_INCREMENT,
    chat_id int NOT NULL,
    sender_id int NOT NULL,
    message text NOT NULL,
    created_at TIMESTAMP NOT NULL DEFAULT current_timestamp,
    read_status boolean DEFAULT FALSE,
    PRIMARY KEY (id),
    KEY messages_chat (chat_id),
    KEY messages_sender (sender_id),
    KEY messages_time (created_at),
    CONSTRAINT messages_chat_fk FOREIGN KEY (chat_id) REFERENCES chats (id),
    CONSTRAINT messages_sender_fk FOREIGN KEY (sender_id) REFERENCES users (id)
) DEFAULT CHARACTER SET utf8mb4
