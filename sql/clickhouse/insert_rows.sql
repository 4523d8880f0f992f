-- noqa: disable=PRS
INSERT INTO {stage} ({columns}) FORMAT {format}
