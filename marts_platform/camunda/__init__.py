"""Camunda BPM's variable history as a Postgres mart that answers at once."""
