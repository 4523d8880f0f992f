CREATE INDEX IF NOT EXISTS {index} ON telemetry_data ({columns})
