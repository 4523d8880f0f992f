-- The server itself says what it makes of declared types: to_regtypemod() is of PostgreSQL 17.
CREATE TEMPORARY TABLE declared_columns ({definitions}) ON COMMIT DROP
