"""BionicPRO: a day of telemetry from Postgres into ClickHouse, and what three years of reports cost."""
