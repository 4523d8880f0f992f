-- noqa: disable=PRS
DESCRIBE TABLE (
{query}
)
