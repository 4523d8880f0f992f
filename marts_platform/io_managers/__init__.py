"""The warehouses: each stages, audits, publishes and hands tables on in its engine's own way."""
