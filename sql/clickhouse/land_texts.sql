-- noqa: disable=PRS
CREATE TABLE {sent} (
    {columns}
)
ENGINE = MergeTree
ORDER BY tuple()
