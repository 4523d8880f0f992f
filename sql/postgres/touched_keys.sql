-- A table that parallel workers can read, unlike a temporary one; nobody else sees it before it is dropped.
CREATE UNLOGGED TABLE {touched} AS
{query}
