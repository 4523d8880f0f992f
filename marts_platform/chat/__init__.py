"""A marketplace's chat: MySQL to a star schema in ClickHouse."""
