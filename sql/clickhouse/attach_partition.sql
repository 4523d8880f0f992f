-- noqa: disable=PRS
ALTER TABLE {table} ATTACH PARTITION ID {partition:String} FROM {source}
