-- noqa: disable=PRS
RENAME TABLE {table} TO {other}
