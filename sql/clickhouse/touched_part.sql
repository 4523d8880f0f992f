CREATE TABLE {part}
ENGINE = MergeTree
ORDER BY tuple()
AS SELECT * FROM {touched} WHERE in_doubt = {in_doubt:Bool}
