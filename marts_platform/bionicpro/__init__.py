"""BionicPRO: what users do with their prostheses, a report a user and day, in ClickHouse."""
