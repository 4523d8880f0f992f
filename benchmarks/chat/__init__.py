"""The chat: messages from MySQL into ClickHouse, and what an hour costs beside a long history."""
