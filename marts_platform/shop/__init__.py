"""The shop: its Postgres replicated to MySQL, the sales marts there, and its users' events from Kafka."""
